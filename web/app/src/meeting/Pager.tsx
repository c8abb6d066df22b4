import { count, t } from '../i18n/index.js';
import { page } from '../state/meetingui.js';
import { Button } from '../ui/Button.js';

export function Pager({ at, of }: { readonly at: number; readonly of: number }) {
  const m = t();
  return (
    <nav class="pager" aria-label={m.pages}>
      <Button icon="chevron-left" label={m.previousPage} disabled={at === 0} onClick={() => { page.value = at - 1; }} />
      <span class="xs num">{count(at + 1)} / {count(of)}</span>
      <Button icon="chevron-right" label={m.nextPage} disabled={at >= of - 1} onClick={() => { page.value = at + 1; }} />
    </nav>
  );
}

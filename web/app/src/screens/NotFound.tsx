import { t } from '../i18n/index.js';
import { navigate } from '../state/router.js';
import { Button } from '../ui/Button.js';
import { Plain } from '../ui/Plain.js';

export function NotFound() {
  const m = t();
  return (
    <Plain>
      <div class="stack-2"><h1>{m.notFoundTitle}</h1><p class="muted">{m.notFoundText}</p></div>
      <div class="row"><Button kind="primary" size="lg" onClick={() => navigate('/')}>{m.backHome}</Button></div>
    </Plain>
  );
}

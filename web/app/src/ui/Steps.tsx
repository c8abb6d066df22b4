import { t } from '../i18n/index.js';

export function Steps({ at, of }: { readonly at: number; readonly of: number }) {
  return (
    <div class="steps" role="img" aria-label={t().step(at, of)}>
      {Array.from({ length: of }, (_, n) => <i key={n} class={n < at ? 'on' : ''} />)}
    </div>
  );
}

import { sentenceIn, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { language } from '../state/prefs.js';
import { Icon } from './Icon.js';

/** Shorter waits are over before the sentence is read. */
const LEAST_WAIT_MS = 3000;

/** A failure in words, where it happened. */
export function Problem({ failure }: { readonly failure: Failure | null }) {
  if (!failure) return null;
  return (
    <div class="note note-danger" role="alert" data-testid="problem" data-code={failure.code}>
      <Icon name="circle-alert" />
      <span>
        {sentenceIn(language.value, failure)}
        {failure.retryAfterMs > LEAST_WAIT_MS && ` ${t().tryAgainIn(Math.ceil(failure.retryAfterMs / 1000))}`}
        {failure.reference && <span class="quiet xs reference">{t().reference(failure.reference)}</span>}
      </span>
    </div>
  );
}

import { sentenceIn, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { language } from '../state/prefs.js';
import { navigate } from '../state/router.js';
import { Button } from '../ui/Button.js';
import { Plain } from '../ui/Plain.js';

/** When there is nothing else to show: the sentence, and the ways on. */
export function ProblemScreen({ failure, onRetry }: { readonly failure: Failure; readonly onRetry: () => void }) {
  const m = t();
  return (
    <Plain>
      <div class="stack-2" role="alert" data-testid="problem" data-code={failure.code}>
        <h1>{sentenceIn(language.value, failure)}</h1>
        {failure.reference && <p class="quiet sm">{m.reference(failure.reference)}</p>}
      </div>
      <div class="row wrap">
        <Button kind="primary" size="lg" icon="refresh-cw" onClick={onRetry}>{m.tryAgain}</Button>
        <Button size="lg" onClick={() => navigate('/')}>{m.backHome}</Button>
      </div>
    </Plain>
  );
}

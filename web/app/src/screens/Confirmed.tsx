import { useEffect } from 'preact/hooks';
import { failureOf } from '../failure.js';
import { t } from '../i18n/account.js';
import { tellConfirmed } from '../state/elsewhere.js';
import { route } from '../state/router.js';
import { Problem } from '../ui/Problem.js';

/** The end of a window that went to a provider for a second factor. */
export function Confirmed() {
  const m = t();
  const at = route.value;
  const came = at.name === 'confirmed' ? at.came ?? '' : '';
  useEffect(() => tellConfirmed(came), []);
  return (
    <main class="narrow-page stack-4" id="main" data-testid="confirmed">
      <h1>{came === '' ? m.confirmed : m.notConfirmed}</h1>
      {came !== '' && <Problem failure={failureOf({ code: came.replace(/^failed:/, '') })} />}
      <p class="muted" role="status">{m.confirmedText}</p>
    </main>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type Provider } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { language } from '../state/prefs.js';
import { follow } from '../state/router.js';
import { goAbroad, wanted } from '../state/session.js';
import { Button } from '../ui/Button.js';

/** A button for each provider that people of this deployment sign in at, and the way to a new password; nothing where there is none. */
export function Providers({ onFailure }: { readonly onFailure: (failure: Failure | null) => void }) {
  const m = t();
  const providers = useSignal<readonly Provider[]>([]);
  const reset = useSignal(false);
  const leaving = useSignal('');
  useEffect(() => {
    // Without an answer there are no buttons, and the password works as ever.
    api.providers().then((found) => { providers.value = found.list; reset.value = found.reset; }, () => undefined);
    // Whoever comes back by the browser's own button finds the page as it was left.
    const back = () => { leaving.value = ''; };
    addEventListener('pageshow', back);
    return () => removeEventListener('pageshow', back);
  }, []);

  const leave = async (name: string) => {
    if (leaving.value !== '') return;
    leaving.value = name;
    onFailure(null);
    try {
      goAbroad((await api.leaveFor(name, wanted())).url);
    } catch (error) {
      leaving.value = '';
      onFailure(failureOf(error));
    }
  };

  const forgot = reset.value && <p class="sm centre"><a href="/reset" onClick={follow} data-testid="signin-forgot">{m.forgotPassword}</a></p>;
  if (providers.value.length === 0) return <>{forgot}</>;
  return (
    <div class="stack-4">
      {forgot}
      <div class="or"><span>{m.orElse}</span></div>
      {providers.value.map((one) => (
        <Button key={one.name} kind="line" size="lg" block busy={leaving.value === one.name && m.continuing} testid={`signin-with-${one.name}`} onClick={() => void leave(one.name)}>
          {m.signInWith(language.value === 'en' ? one.title : one.title_zh)}
        </Button>
      ))}
    </div>
  );
}

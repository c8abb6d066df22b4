import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { route } from '../state/router.js';
import { enter, want } from '../state/session.js';
import { Avatar } from '../ui/Avatar.js';
import { Button } from '../ui/Button.js';
import { EntryShell } from '../ui/EntryShell.js';
import { Field } from '../ui/Field.js';
import { Icon } from '../ui/Icon.js';
import { PasswordField } from '../ui/PasswordField.js';
import { Problem } from '../ui/Problem.js';
import { Enrol } from './Enrol.js';
import { Providers } from './Providers.js';
import { SecondFactor } from './SecondFactor.js';

type Step = 'password' | 'second_factor' | 'enrol';

/** Password, then the second step. An account without one adds it here. */
export function SignIn() {
  const m = t();
  const step = useSignal<Step>('password');
  const login = useSignal('');
  const password = useSignal('');
  const busy = useSignal(false);
  const failure = useSignal<Failure | null>(null);

  const setupFirst = useSignal(false);
  useEffect(() => {
    // Only a hint: when the question fails, signing in says what is wrong.
    api.setupNeeded().then(({ needed }) => { setupFirst.value = needed; }, () => undefined);
  }, []);

  // Back from a provider: what went wrong there, or the second step that is given here.
  useEffect(() => {
    const [what, rest] = /^(failed|continue):(.*)$/.exec(route.value.name === 'sign-in' ? route.value.came ?? '' : '')?.slice(1) ?? [];
    if (what === 'failed') failure.value = failureOf({ code: rest });
    if (what !== 'continue') return;
    want(rest ?? '/');
    api.waiting().then((answer) => {
      login.value = answer.login;
      if (answer.next === 'none') void enter();
      else step.value = answer.next;
    }, (error: unknown) => { failure.value = failureOf(error); });
  }, []);

  const submit = async () => {
    if (busy.value || login.value.trim() === '' || password.value === '') return;
    busy.value = true;
    failure.value = null;
    try {
      const { next } = await api.signIn(login.value.trim(), password.value);
      password.value = '';
      step.value = next;
    } catch (error) {
      failure.value = failureOf(error, {
        unauthenticated: 'invalid_credentials', unauthorized: 'invalid_credentials', http_401: 'invalid_credentials',
        forbidden: 'invalid_credentials', rate_limited: 'throttled', http_429: 'throttled',
      });
    } finally {
      busy.value = false;
    }
  };

  const restart = () => {
    step.value = 'password';
    failure.value = null;
  };

  if (step.value === 'enrol') return <EntryShell enrol><Enrol steps={2} onDone={() => void enter()} /></EntryShell>;
  if (step.value === 'second_factor') {
    const who = (
      <div class="whoami">
        <Avatar name={login.value} id={login.value} size="sm" />
        <span class="grow sm clip">{login.value}</span>
        <Button kind="quiet" onClick={restart}>{m.notYou}</Button>
      </div>
    );
    return <EntryShell><SecondFactor head={who} onDone={() => void enter()} onExpired={restart} /></EntryShell>;
  }
  return (
    <EntryShell>
      <form class="stack-6" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <div class="stack-2"><h1>{m.signInTitle}</h1><p class="muted">{m.signInText}</p></div>
        {setupFirst.value && <div class="note" role="status" data-testid="setup-first"><Icon name="info" /><span>{m.setupFirst}</span></div>}
        <Problem failure={failure.value} />
        <div class="stack-4">
          <Field label={m.account} value={login.value} onInput={(value) => { login.value = value; }} autocomplete="username" focus testid="signin-login" />
          <PasswordField value={password.value} onInput={(value) => { password.value = value; }} testid="signin-password" />
        </div>
        <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.continuing} testid="signin-submit">{m.continue}</Button>
        <Providers onFailure={(said) => { failure.value = said; }} />
        <p class="sm muted centre">{m.guestHint}</p>
      </form>
    </EntryShell>
  );
}

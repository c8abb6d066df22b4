import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api, type Next } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { askPasskey, passkeysWork } from '../passkeys.js';
import { startAutofill, type Autofill } from '../state/autofill.js';
import { route } from '../state/router.js';
import { enter, want } from '../state/session.js';
import { Avatar } from '../ui/Avatar.js';
import { Button } from '../ui/Button.js';
import { EntryShell } from '../ui/EntryShell.js';
import { Field } from '../ui/Field.js';
import { Icon } from '../ui/Icon.js';
import { PasswordField } from '../ui/PasswordField.js';
import { Problem } from '../ui/Problem.js';
import { Enrol } from './parts.js';
import { Providers } from './Providers.js';
import { SecondFactor } from './SecondFactor.js';

/** A passkey alone, or the password and then the second step. An account without one adds it here. */
export function SignIn() {
  const m = t();
  const next = useSignal<Next | null>(null);
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
      else next.value = { next: answer.next, ...(answer.ways ? { ways: answer.ways } : {}) };
    }, (error: unknown) => { failure.value = failureOf(error); });
  }, []);

  // The list of the account field offers passkeys; whoever picks one there is in.
  const autofill = useRef<Autofill | null>(null);
  useEffect(() => {
    autofill.current = startAutofill({ onDone: () => void enter(), onFailure: (error) => { failure.value = failureOf(error); } });
    return () => autofill.current?.stop();
  }, []);

  const byPasskey = async () => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    autofill.current?.stop(); // a browser asks one question at a time
    try {
      await api.signInByPasskey(await askPasskey(await api.signInOptions()));
      void enter();
    } catch (error) {
      failure.value = failureOf(error);
      autofill.current?.start();
    } finally {
      busy.value = false;
    }
  };

  const submit = async () => {
    if (busy.value || login.value.trim() === '' || password.value === '') return;
    busy.value = true;
    failure.value = null;
    try {
      const answer = await api.signIn(login.value.trim(), password.value);
      autofill.current?.stop();
      password.value = '';
      next.value = answer;
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
    next.value = null;
    failure.value = null;
    autofill.current?.start();
  };

  if (next.value?.next === 'enrol') return <EntryShell enrol><Enrol steps={2} resetAt={next.value.factors_reset_at_ms ?? 0} onDone={() => void enter()} /></EntryShell>;
  if (next.value) {
    const who = (
      <div class="whoami">
        <Avatar name={login.value} id={login.value} size="sm" />
        <span class="grow sm clip">{login.value}</span>
        <Button kind="quiet" onClick={restart}>{m.notYou}</Button>
      </div>
    );
    return <EntryShell><SecondFactor head={who} ways={next.value.ways ?? ['otp', 'recovery']} onDone={() => void enter()} onExpired={restart} /></EntryShell>;
  }
  return (
    <EntryShell>
      <form class="stack-6" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <div class="stack-2"><h1>{m.signInTitle}</h1><p class="muted">{m.signInText}</p></div>
        {setupFirst.value && <div class="note" role="status" data-testid="setup-first"><Icon name="info" /><span>{m.setupFirst}</span></div>}
        <Problem failure={failure.value} />
        {passkeysWork() && (
          <>
            <Button kind="line" size="lg" block icon="fingerprint" testid="signin-passkey" onClick={() => void byPasskey()}>{m.signInPasskey}</Button>
            <div class="or"><span>{m.orPassword}</span></div>
          </>
        )}
        <div class="stack-4">
          <Field label={m.account} value={login.value} onInput={(value) => { login.value = value; }} autocomplete="username webauthn" focus testid="signin-login" />
          <PasswordField value={password.value} onInput={(value) => { password.value = value; }} testid="signin-password" />
        </div>
        <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.continuing} testid="signin-submit">{m.continue}</Button>
        <Providers onFailure={(said) => { failure.value = said; }} />
        <p class="sm muted centre">{m.guestHint}</p>
      </form>
    </EntryShell>
  );
}

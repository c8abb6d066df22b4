import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/account.js';
import { navigate } from '../state/router.js';
import { enter } from '../state/session.js';
import { Button } from '../ui/Button.js';
import { EntryShell } from '../ui/EntryShell.js';
import { Field } from '../ui/Field.js';
import { PasswordField } from '../ui/PasswordField.js';
import { Problem } from '../ui/Problem.js';
import { Steps } from '../ui/Steps.js';
import { Enrol } from './Enrol.js';

const LEAST_PASSWORD = 12;

export interface AccountProps {
  /** setup: the first account, with name and login. invite: somebody chose those already. */
  readonly way: 'setup' | 'invite';
  readonly token: string;
}

/** The first visit with a one-time link: password (and who you are), then the second step. */
export function Account({ way, token }: AccountProps) {
  const m = t();
  // The address bar loses the token at once; this screen keeps it for as long as it is open.
  const kept = useSignal(token);
  if (token !== '' && kept.value !== token) kept.value = token;
  const name = useSignal('');
  const login = useSignal('');
  const password = useSignal('');
  const tried = useSignal(false);
  const busy = useSignal(false);
  const enrol = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const setup = way === 'setup';

  const closed = useSignal(false);
  useEffect(() => {
    if (setup) api.setupNeeded().then(({ needed }) => { closed.value = !needed; }, () => undefined);
  }, [setup]);

  const short = [...password.value].length < LEAST_PASSWORD;
  const loginOk = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/.test(login.value.trim());

  const submit = async () => {
    tried.value = true;
    if (busy.value || short || (setup && (name.value.trim() === '' || !loginOk))) return;
    busy.value = true;
    failure.value = null;
    try {
      if (setup) await api.setup({ token: kept.value, login: login.value.trim(), name: name.value.trim(), password: password.value });
      else await api.acceptInvite(kept.value, password.value);
      password.value = '';
      kept.value = '';
      enrol.value = true;
    } catch (error) {
      const bad = setup ? 'setup_token_invalid' : 'invite_invalid';
      failure.value = failureOf(error, {
        token_invalid: bad, token_expired: bad, token_used: bad, forbidden: bad, not_found: setup ? 'setup_done' : bad, unauthorized: bad, unauthenticated: bad,
        conflict: setup ? 'setup_done' : bad, bad_argument: 'bad_request',
      });
    } finally {
      busy.value = false;
    }
  };

  if (enrol.value) return <EntryShell enrol><Enrol steps={3} onDone={() => void enter()} /></EntryShell>;
  if (closed.value) {
    return (
      <EntryShell>
        <div class="stack-6">
          <div class="stack-2"><h1>{m.setupDoneTitle}</h1><p class="muted">{m.setupDoneText}</p></div>
          <Button kind="primary" size="lg" block onClick={() => navigate('/sign-in')}>{m.signInTitle}</Button>
        </div>
      </EntryShell>
    );
  }
  return (
    <EntryShell>
      <form class="stack-6" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <div>
          <Steps at={1} of={3} />
          <div class="stack-2"><h1>{setup ? m.setupTitle : m.inviteTitle}</h1><p class="muted">{setup ? m.setupText : m.inviteText}</p></div>
        </div>
        {kept.value === '' && <div class="note note-warn" role="status"><span>{setup ? m.setupTokenMissing : m.inviteTokenMissing}</span></div>}
        <Problem failure={failure.value} />
        <div class="stack-4">
          {setup && (
            <>
              <Field label={m.yourName} hint={m.yourNameHint} value={name.value} onInput={(value) => { name.value = value; }} autocomplete="name" maxLength={80} focus
                testid="setup-name" {...(tried.value && name.value.trim() === '' ? { problem: m.nameMissing } : {})} />
              <Field label={m.account} hint={m.accountHint} value={login.value} onInput={(value) => { login.value = value.toLowerCase(); }} autocomplete="username" maxLength={64}
                testid="setup-login" {...(tried.value && !loginOk ? { problem: m.accountMissing } : {})} />
            </>
          )}
          <PasswordField value={password.value} onInput={(value) => { password.value = value; }} fresh testid="setup-password"
            {...(tried.value && short ? { problem: m.passwordTooShort } : {})} />
        </div>
        <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.creating} disabled={kept.value === ''} testid="setup-submit">
          {setup ? m.createAccount : m.continue}
        </Button>
      </form>
    </EntryShell>
  );
}

import { useSignal } from '@preact/signals';
import { api, type SecondStep } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/account.js';
import { askPasskey, passkeysWork } from '../passkeys.js';
import { navigate } from '../state/router.js';
import { Button } from '../ui/Button.js';
import { EntryShell } from '../ui/EntryShell.js';
import { Field } from '../ui/Field.js';
import { PasswordField } from '../ui/PasswordField.js';
import { Problem } from '../ui/Problem.js';

const LEAST_PASSWORD = 12;

/** Without a link: has one mailed. With one: a new password, and the second step. */
export function NewPassword({ token }: { readonly token: string }) {
  const kept = useSignal(token);
  if (token !== '' && kept.value !== token) kept.value = token;
  return <EntryShell>{kept.value === '' ? <Forgot /> : <Choose token={kept.value} />}</EntryShell>;
}

function Forgot() {
  const m = t();
  const account = useSignal('');
  const busy = useSignal(false);
  const sent = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const submit = async () => {
    if (busy.value || account.value.trim() === '') return;
    busy.value = true;
    failure.value = null;
    try {
      await api.forgotPassword(account.value.trim());
      sent.value = true;
    } catch (error) {
      failure.value = failureOf(error);
    } finally {
      busy.value = false;
    }
  };
  return (
    <form class="stack-6" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <div class="stack-2"><h1>{m.forgotTitle}</h1><p class="muted">{m.forgotText}</p></div>
      <Problem failure={failure.value} />
      {sent.value
        ? <div class="note" role="status" data-testid="forgot-sent"><span>{m.forgotSent}</span></div>
        : <Field label={m.forgotAccount} value={account.value} onInput={(value) => { account.value = value; }} autocomplete="username" maxLength={254} focus testid="forgot-account" />}
      {!sent.value && <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.continuing} testid="forgot-submit">{m.forgotDo}</Button>}
      <Button size="lg" block onClick={() => navigate('/sign-in')}>{m.signInTitle}</Button>
    </form>
  );
}

function Choose({ token }: { readonly token: string }) {
  const m = t();
  const password = useSignal('');
  const code = useSignal('');
  const tried = useSignal(false);
  const busy = useSignal(false);
  const done = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const short = [...password.value].length < LEAST_PASSWORD;
  const set = async (withWhat: () => Promise<SecondStep>) => {
    if (busy.value || short) return;
    busy.value = true;
    failure.value = null;
    try {
      await api.resetPassword(token, password.value, await withWhat());
      password.value = '';
      done.value = true;
    } catch (error) {
      failure.value = failureOf(error);
    } finally {
      busy.value = false;
    }
  };
  const submit = async () => {
    tried.value = true;
    if (code.value.trim() !== '') await set(async () => ({ code: code.value.trim() }));
  };
  const byPasskey = async () => {
    tried.value = true;
    await set(async () => ({ passkey: await askPasskey(await api.resetOptions(token)) }));
  };
  if (done.value) {
    return (
      <div class="stack-6" data-testid="reset-done">
        <div class="stack-2"><h1>{m.resetDone}</h1><p class="muted">{m.resetDoneText}</p></div>
        <Button kind="primary" size="lg" block onClick={() => navigate('/sign-in', { replace: true })}>{m.signInTitle}</Button>
      </div>
    );
  }
  return (
    <form class="stack-6" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <div class="stack-2"><h1>{m.resetTitle}</h1><p class="muted">{m.resetText}</p></div>
      <Problem failure={failure.value} />
      <div class="stack-4">
        <PasswordField name={m.newPassword} value={password.value} onInput={(value) => { password.value = value; }} fresh testid="reset-password"
          {...(tried.value && short ? { problem: m.passwordTooShort } : {})} />
        <Field label={m.resetCode} hint={m.resetCodeHint} value={code.value} onInput={(value) => { code.value = value; }} autocomplete="one-time-code" maxLength={40} mono testid="reset-code" />
      </div>
      <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.continuing} testid="reset-submit">{m.resetDo}</Button>
      {passkeysWork() && <Button size="lg" block icon="fingerprint" disabled={busy.value} testid="reset-passkey" onClick={() => void byPasskey()}>{m.resetByPasskey}</Button>}
    </form>
  );
}

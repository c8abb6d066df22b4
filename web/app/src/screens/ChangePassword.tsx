import { useSignal } from '@preact/signals';
import { api } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/account.js';
import { toast } from '../state/toasts.js';
import { Button } from '../ui/Button.js';
import { PasswordField } from '../ui/PasswordField.js';
import { Problem } from '../ui/Problem.js';

const LEAST_PASSWORD = 12;

/** The old password and a new one; the person's other sign-ins end. */
export function ChangePassword({ onDone }: { readonly onDone: () => void }) {
  const m = t();
  const old = useSignal('');
  const fresh = useSignal('');
  const tried = useSignal(false);
  const busy = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const short = [...fresh.value].length < LEAST_PASSWORD;

  const submit = async () => {
    tried.value = true;
    if (busy.value || short || old.value === '') return;
    busy.value = true;
    failure.value = null;
    try {
      await api.changePassword(old.value, fresh.value);
      old.value = '';
      fresh.value = '';
      tried.value = false;
      toast({ kind: 'notice', text: m.passwordChanged });
      onDone();
    } catch (error) {
      failure.value = failureOf(error, { invalid_credentials: 'old_password_wrong' });
    } finally {
      busy.value = false;
    }
  };
  return (
    <section class="card pad">
      <form class="stack-4" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <h2 class="small-title">{m.changePassword}</h2>
        <Problem failure={failure.value} />
        <PasswordField name={m.oldPassword} value={old.value} onInput={(value) => { old.value = value; }} testid="password-old" />
        <PasswordField name={m.newPassword} fresh value={fresh.value} onInput={(value) => { fresh.value = value; }} testid="password-new"
          {...(tried.value && short ? { problem: m.passwordTooShort } : {})} />
        <Button size="lg" block type="submit" busy={busy.value && m.continuing} testid="password-change">{m.changePassword}</Button>
      </form>
    </section>
  );
}

import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { api } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/people.js';
import { user } from '../state/session.js';
import { Button } from '../ui/Button.js';
import { copyText } from '../ui/clipboard.js';
import { Field } from '../ui/Field.js';
import { Icon } from '../ui/Icon.js';
import { inviteLinkFrom } from '../ui/invitelink.js';
import { Problem } from '../ui/Problem.js';
import { roleWord, rolesToGive } from '../ui/roles.js';

export function InviteUser({ onDone }: { readonly onDone: () => void }) {
  const m = t();
  const role = useId();
  const name = useSignal('');
  const login = useSignal('');
  const chosen = useSignal('user');
  const tried = useSignal(false);
  const busy = useSignal(false);
  const made = useSignal<{ name: string; link: string } | null>(null);
  const copied = useSignal(false);
  const failure = useSignal<Failure | null>(null);

  const submit = async () => {
    tried.value = true;
    if (busy.value || name.value.trim() === '' || login.value.trim() === '') return;
    busy.value = true;
    failure.value = null;
    made.value = null;
    copied.value = false;
    try {
      const body = await api.createUser({ login: login.value.trim(), name: name.value.trim(), role: chosen.value });
      made.value = { name: name.value.trim(), link: inviteLinkFrom(body, location.origin) };
      name.value = '';
      login.value = '';
      tried.value = false;
      onDone();
    } catch (error) {
      failure.value = failureOf(error, { conflict: 'login_taken', bad_argument: 'login_invalid' });
    } finally {
      busy.value = false;
    }
  };

  return (
    <section class="card pad">
      <form class="stack-4" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <h2 class="small-title">{m.inviteUser}</h2>
        <Problem failure={failure.value} />
        <Field label={m.lobbyName} value={name.value} onInput={(value) => { name.value = value; }} maxLength={80} testid="user-name"
          {...(tried.value && name.value.trim() === '' ? { problem: m.nameMissing } : {})} />
        <Field label={m.account} hint={m.accountHint} value={login.value} onInput={(value) => { login.value = value.toLowerCase(); }} maxLength={64} testid="user-login"
          {...(tried.value && login.value.trim() === '' ? { problem: m.accountMissing } : {})} />
        <div class="field">
          <label for={role}>{m.roleLabel}</label>
          <span class="select">
            <select id={role} value={chosen.value} onChange={(event) => { chosen.value = event.currentTarget.value; }}>
              {rolesToGive(user.value?.role ?? '').map((one) => <option key={one} value={one}>{roleWord(m, one)}</option>)}
            </select>
            <Icon name="chevron-down" />
          </span>
        </div>
        <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.creating} testid="user-create">{m.inviteUserDo}</Button>
        {made.value && (
          <div class="well stack-2" role="status">
            <p class="sm">{m.inviteUserDone(made.value.name)}</p>
            <p class="mono xs wrap-anywhere" data-testid="user-link">{made.value.link}</p>
            <Button icon={copied.value ? 'check' : 'copy'} onClick={() => void copyText(made.value?.link ?? '').then((ok) => { copied.value = ok; })}>
              {copied.value ? m.copied : m.copy}
            </Button>
          </div>
        )}
      </form>
    </section>
  );
}

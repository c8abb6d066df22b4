import { useSignal } from '@preact/signals';
import { api } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/guests.js';
import { invited, type Invited } from '../state/invited.js';
import { askToEnter, joining } from '../state/visit.js';
import { Button } from '../ui/Button.js';
import { Field } from '../ui/Field.js';
import { Problem } from '../ui/Problem.js';

/** What a guest by a link gives before they may wait: a name, and the code where the link asks for one. */
export function GuestEntrance() {
  const by = invited.value;
  return by ? <Entrance by={by} /> : null;
}

function Entrance({ by }: { readonly by: Invited }) {
  const m = t();
  const name = useSignal('');
  const code = useSignal('');
  const tried = useSignal(false);
  const asked = useSignal(false);
  const asking = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const coded = by.code !== 'none' && by.visit === '';
  const voice = by.code === 'voice';

  const askCode = async () => {
    if (asking.value) return;
    asking.value = true;
    failure.value = null;
    try {
      await api.guestCode(by.secret);
      asked.value = true;
    } catch (error) {
      failure.value = failureOf(error);
    } finally {
      asking.value = false;
    }
  };
  const digits = code.value.replace(/\s/g, '');
  const submit = () => {
    tried.value = true;
    if (name.value.trim() === '' || (coded && !/^\d{6}$/.test(digits))) return;
    void askToEnter(name.value.trim(), coded ? digits : '');
  };
  return (
    <form class="stack-4" noValidate onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <Field label={m.guestName} hint={m.guestNameHint} value={name.value} onInput={(value) => { name.value = value; }} autocomplete="name" maxLength={80} testid="prejoin-name"
        {...(tried.value && name.value.trim() === '' ? { problem: m.guestNameMissing } : {})} />
      {coded && (
        <div class="well stack-4">
          <p class="sm">{asked.value ? (voice ? m.guestCodeAsked : m.guestCodeSent) : (voice ? m.guestCodeVoice : m.guestCodeMail(by.sentTo))}</p>
          <Problem failure={failure.value} />
          <Button block busy={asking.value && m.loading} testid="guest-code-send" onClick={() => void askCode()}>{voice ? m.guestCodeAsk : m.guestCodeSend}</Button>
          <Field label={m.guestCode} value={code.value} onInput={(value) => { code.value = value; }} autocomplete="one-time-code" maxLength={7} mono testid="guest-code"
            {...(tried.value && !/^\d{6}$/.test(digits) ? { problem: m.guestCodeMissing } : {})} />
        </div>
      )}
      <Button kind="primary" size="lg" block type="submit" busy={joining.value && m.asking} testid="prejoin-join">{m.askToEnter}</Button>
    </form>
  );
}

import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { api, type GuestCode, type GuestLink } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/guests.js';
import { Button } from '../ui/Button.js';
import { copyText } from '../ui/clipboard.js';
import { Field } from '../ui/Field.js';
import { Icon } from '../ui/Icon.js';
import { Problem } from '../ui/Problem.js';

const DAY = 86_400_000;
const lives = [1, 7, 30] as const;
const numbers = [1, 2, 5, 10, 25, 100] as const;

/** Makes a link for guests. It is shown here and nowhere else. */
export function NewGuestLink({ room, mail, onDone }: { readonly room: string; readonly mail: boolean; readonly onDone: () => void }) {
  const m = t();
  const label = useSignal('');
  const people = useSignal<number>(1);
  const days = useSignal<number>(1);
  const code = useSignal<GuestCode>('none');
  const address = useSignal('');
  const send = useSignal(true);
  const tried = useSignal(false);
  const busy = useSignal(false);
  const made = useSignal<GuestLink | null>(null);
  const failure = useSignal<Failure | null>(null);
  const sendId = useId();
  const byMail = code.value === 'mail';
  const noAddress = byMail && !/^\S+@\S+$/.test(address.value.trim());

  const submit = async () => {
    tried.value = true;
    if (busy.value || noAddress) return;
    busy.value = true;
    failure.value = null;
    made.value = null;
    try {
      made.value = await api.createGuestLink(room, {
        life_ms: days.value * DAY, max_uses: people.value, code: code.value,
        ...(label.value.trim() === '' ? {} : { label: label.value.trim() }),
        ...(byMail ? { mail: address.value.trim(), send: send.value } : {}),
      });
      label.value = '';
      address.value = '';
      tried.value = false;
      onDone();
    } catch (error) {
      failure.value = failureOf(error);
    } finally {
      busy.value = false;
    }
  };

  return (
    <section class="card pad">
      <form class="stack-4" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <h2 class="small-title">{m.guestNew}</h2>
        <Problem failure={failure.value} />
        <Field label={m.guestLabel} hint={m.guestLabelHint} value={label.value} onInput={(value) => { label.value = value; }} maxLength={60} testid="guest-label" />
        <Choice label={m.guestUses} value={String(people.value)} of={numbers.map((n) => [String(n), m.guestPeople(n)])} onPick={(value) => { people.value = Number(value); }} testid="guest-uses" />
        <Choice label={m.guestLife} value={String(days.value)} of={lives.map((n) => [String(n), m.guestDays(n)])} onPick={(value) => { days.value = Number(value); }} testid="guest-life" />
        <Choice label={m.guestCheck} value={code.value} testid="guest-check" onPick={(value) => { code.value = value as GuestCode; }}
          of={[['none', m.guestCheckNone], ['voice', m.guestCheckVoice], ...(mail ? [['mail', m.guestCheckMail] as const] : [])]} />
        {byMail && (
          <>
            <Field label={m.guestMail} value={address.value} onInput={(value) => { address.value = value; }} autocomplete="off" maxLength={254} testid="guest-mail"
              {...(tried.value && noAddress ? { problem: m.guestMailMissing } : {})} />
            <div class="row"><input id={sendId} type="checkbox" checked={send.value} data-testid="guest-send" onChange={(event) => { send.value = event.currentTarget.checked; }} /><label for={sendId} class="sm">{m.guestSend}</label></div>
          </>
        )}
        <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.creating} testid="guest-create">{m.guestCreate}</Button>
        {made.value && <Made of={made.value} asked={send.value} />}
      </form>
    </section>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly of: readonly (readonly [value: string, word: string])[];
  readonly onPick: (value: string) => void;
  readonly testid: string;
}

function Choice({ label, value, of, onPick, testid }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <span class="select">
        <select id={id} value={value} data-testid={testid} onChange={(event) => onPick(event.currentTarget.value)}>
          {of.map(([one, word]) => <option key={one} value={one}>{word}</option>)}
        </select>
        <Icon name="chevron-down" />
      </span>
    </div>
  );
}

function Made({ of, asked }: { readonly of: GuestLink; readonly asked: boolean }) {
  const m = t();
  const copied = useSignal(false);
  return (
    <div class="well stack-4" role="status">
      <p class="sm">{m.guestMade}{of.code === 'mail' && asked ? ` ${of.mail_sent === true ? m.guestMailed : m.guestNotMailed}` : ''}</p>
      <p class="mono xs wrap-anywhere" data-testid="guest-url">{of.link}</p>
      <Button icon={copied.value ? 'check' : 'copy'} onClick={() => void copyText(of.link ?? '').then((ok) => { copied.value = ok; })}>
        {copied.value ? m.copied : m.copy}
      </Button>
    </div>
  );
}

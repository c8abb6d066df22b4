import type { Waiter } from '@incamera/sdk';
import { useSignal } from '@preact/signals';
import { clock, country, t } from '../i18n/index.js';
import { attempt, pending } from '../state/call.js';
import { Avatar } from '../ui/Avatar.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { Identity } from '../ui/Identity.js';

/** One person at the door: badge first, then what the server knows of them, then the answers. */
export function WaitingRow({ one }: { readonly one: Waiter }) {
  const m = t();
  const menu = useSignal(false);
  const asking = useSignal(false);
  const busy = pending.value.has(`door-${one.id}`);
  const answer = (verb: Parameters<typeof attempt>[1]) => void attempt(`door-${one.id}`, verb);
  const how = { guest: m.doorGuest, password_code: m.doorCode, password_recovery: m.doorRecovery, passkey: m.doorPasskey, provider: m.doorProvider, portal: m.doorPortal, '': '' }[one.method];
  const facts = [
    one.organisation,
    [how, one.via !== one.organisation && one.via].filter(Boolean).join(' · '),
    [one.network ? m.doorNetwork(one.network) : one.method && m.doorOutside, country(one.country), one.address].filter(Boolean).join(' · '),
  ].filter(Boolean);
  return (
    <li class="wait" data-testid="waiting-row" data-waiter={one.id}>
      <div class="row top wait-who">
        <Avatar name={one.name} id={one.id} />
        <div class="grow">
          <div class="sm strong clip">{one.name}</div>
          <Identity assurance={one.assurance} />
          {facts.map((line) => <div class="xs muted" key={line}>{line}</div>)}
          <div class="xs quiet num">{m.waitingSince(clock(one.sinceMs))}</div>
        </div>
      </div>
      <div class="row">
        <Button kind="primary" grow label={m.admitName(one.name)} testid="waiting-admit" disabled={busy} onClick={() => answer((room) => room.admit(one.id))}>{m.admit}</Button>
        <Button label={m.declineName(one.name)} testid="waiting-decline" disabled={busy} onClick={() => answer((room) => room.decline(one.id))}>{m.decline}</Button>
        <Button kind="quiet" icon="ellipsis" label={m.moreAbout(one.name)} testid="waiting-more" expanded={menu.value} onClick={() => { menu.value = !menu.value; }} />
      </div>
      {menu.value && <div class="verbs"><Button kind="quiet-danger" icon="ban" testid="waiting-ban" disabled={busy} onClick={() => { menu.value = false; asking.value = true; }}>{m.declineBan}</Button></div>}
      {asking.value && (
        <Confirm text={m.declineBanAsk(one.name)} action={m.declineBanConfirm} onNo={() => { asking.value = false; }}
          onYes={() => { asking.value = false; answer((room) => room.decline(one.id, { ban: true })); }} />
      )}
    </li>
  );
}

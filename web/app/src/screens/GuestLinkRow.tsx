import { useSignal } from '@preact/signals';
import type { GuestLink } from '../api.js';
import { t } from '../i18n/guests.js';
import { moment } from '../i18n/index.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { Icon } from '../ui/Icon.js';

export function GuestLinkRow({ of, onRevoke }: { readonly of: GuestLink; readonly onRevoke: () => void }) {
  const m = t();
  const asking = useSignal(false);
  const name = of.label ?? of.mail ?? m.guestAnyone;
  const states = { open: m.guestUsed(of.uses, of.max_uses), used_up: m.guestUsedUp, closed: m.guestClosed, locked: m.guestLocked };
  return (
    <li class="person" data-testid="guest-link" data-state={of.state}>
      <Icon name="guest" />
      <div class="grow stack-2">
        <div class="nm clip">{name}</div>
        <div class="xs quiet">{m.guestUntil(moment(of.expires_at_ms))} · {states[of.state]}{of.label !== undefined && of.mail !== undefined ? ` · ${of.mail}` : ''}</div>
        {of.code === 'voice' && of.state === 'open' && (of.spoken
          ? <div role="status"><span class="sm">{m.guestSpoken} </span><b class="mono" data-testid="guest-spoken">{of.spoken.code}</b><span class="xs quiet"> · {m.guestSpokenFor(Math.round((of.spoken.expires_at_ms - Date.now()) / 60_000))}</span></div>
          : <div class="xs quiet">{m.guestAwaits}</div>)}
      </div>
      <Button kind="quiet-danger" testid="guest-revoke" onClick={() => { asking.value = true; }}>{m.guestRevoke}</Button>
      {asking.value && (
        <Confirm text={m.guestRevokeAsk(name)} action={m.guestRevoke} onNo={() => { asking.value = false; }}
          onYes={() => { asking.value = false; onRevoke(); }} />
      )}
    </li>
  );
}

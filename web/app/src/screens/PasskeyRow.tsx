import { useSignal } from '@preact/signals';
import type { Passkey } from '../api.js';
import { t } from '../i18n/account.js';
import { moment } from '../i18n/index.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { Icon } from '../ui/Icon.js';

export interface PasskeyRowProps {
  readonly of: Passkey;
  readonly onRename: (name: string) => void;
  readonly onRemove: () => void;
}

const LONGEST_NAME = 60;

/** One passkey: its name, where it lives and when it was used. */
export function PasskeyRow({ of, onRename, onRemove }: PasskeyRowProps) {
  const m = t();
  const name = useSignal<string | null>(null);
  const asking = useSignal(false);
  const save = () => {
    const next = name.value?.trim() ?? '';
    name.value = null;
    if (next !== '' && next !== of.name) onRename(next);
  };
  return (
    <li class="person" data-testid="passkey" data-blocked={of.blocked}>
      <Icon name="fingerprint" />
      {name.value === null
        ? (
          <div class="grow">
            <div class="nm clip">{of.name}</div>
            <div class="xs quiet">{of.synced ? m.passkeySynced : m.passkeyBound} · {m.usedAt(moment(of.used_at_ms))}</div>
            {of.blocked && <div class="xs err">{m.passkeyBlocked}</div>}
          </div>
        )
        : (
          <form class="grow row" onSubmit={(event) => { event.preventDefault(); save(); }}>
            <input class="input input-sm grow" aria-label={m.passkeyName} maxLength={LONGEST_NAME} autofocus value={name.value} data-testid="passkey-name"
              onInput={(event) => { name.value = event.currentTarget.value; }} onKeyDown={(event) => { if (event.key === 'Escape') name.value = null; }} />
            <Button type="submit" testid="passkey-save">{m.save}</Button>
          </form>
        )}
      {name.value === null && <Button kind="quiet" testid="passkey-rename" label={`${m.rename}: ${of.name}`} onClick={() => { name.value = of.name; }}>{m.rename}</Button>}
      {name.value === null && <Button kind="quiet-danger" testid="passkey-remove" label={`${m.remove}: ${of.name}`} onClick={() => { asking.value = true; }}>{m.remove}</Button>}
      {asking.value && <Confirm text={m.removePasskeyAsk(of.name)} action={m.remove} onNo={() => { asking.value = false; }} onYes={() => { asking.value = false; onRemove(); }} />}
    </li>
  );
}

import { deviceThumbprint, forgetDevice } from '@incamera/sdk';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/account.js';
import { signOut } from '../state/session.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { Icon } from '../ui/Icon.js';

/** The key that this browser keeps: what administrators enrol a machine by, and how to forget it. */
export function ThisDevice({ act }: { readonly act: (run: () => Promise<unknown>) => Promise<void> }) {
  const m = t();
  const key = useSignal<string | null>(null);
  const asking = useSignal(false);
  useEffect(() => { void deviceThumbprint().then((found) => { key.value = found; }); }, []);
  return (
    <section class="card today" aria-labelledby="device-title">
      <div class="card-head"><h2 id="device-title">{m.thisDevice}</h2></div>
      <ul>
        <li class="person" data-testid="device" data-key={key.value ?? ''}>
          <Icon name="key-round" />
          <div class="grow">
            <div class="nm">{key.value === null ? m.deviceNoKey : m.deviceKey}</div>
            <div class="xs quiet device-key">{key.value ?? m.deviceNoKeyText}</div>
          </div>
          {key.value !== null && <Button kind="quiet-danger" testid="device-forget" onClick={() => { asking.value = true; }}>{m.forgetDevice}</Button>}
        </li>
      </ul>
      {asking.value && (
        <Confirm text={m.forgetDeviceAsk} action={m.forgetDevice} onNo={() => { asking.value = false; }}
          onYes={() => { asking.value = false; void act(() => forgetDevice().then(signOut)); }} />
      )}
    </section>
  );
}

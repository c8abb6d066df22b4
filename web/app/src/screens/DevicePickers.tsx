import type { Device } from '@incamera/sdk';
import { useId } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { chooseDevice, chosen, devices } from '../state/devices.js';
import { Icon } from '../ui/Icon.js';
import type { IconName } from '../ui/icons.js';

const iconOf: Readonly<Record<Device['kind'], IconName>> = { mic: 'mic', camera: 'video', speaker: 'volume-2' };

function Picker({ kind, onChoose }: { readonly kind: Device['kind']; readonly onChoose: (kind: Device['kind'], id: string) => void }) {
  const m = t();
  const id = useId();
  const found = devices.value.filter((device) => device.kind === kind && device.id !== '');
  if (found.length === 0) return null;
  const word = { mic: m.microphone, camera: m.camera, speaker: m.speaker }[kind];
  return (
    <div class="dev">
      <Icon name={iconOf[kind]} />
      <label class="vh" for={id}>{word}</label>
      <span class="select grow">
        <select id={id} value={chosen.value[kind]} data-testid={`device-${kind}`} onChange={(event) => onChoose(kind, event.currentTarget.value)}>
          <option value="">{m.defaultDevice}</option>
          {found.map((device, n) => <option key={device.id} value={device.id}>{device.label || m.deviceNumber(word, n + 1)}</option>)}
        </select>
        <Icon name="chevron-down" />
      </span>
    </div>
  );
}

export function DevicePickers({ onChoose }: { readonly onChoose?: (kind: Device['kind'], id: string) => void }) {
  const choose = onChoose ?? ((kind: Device['kind'], id: string) => void chooseDevice(kind, id));
  return (
    <div class="devs">
      {(['mic', 'camera', 'speaker'] as const).map((kind) => <Picker key={kind} kind={kind} onChoose={choose} />)}
    </div>
  );
}

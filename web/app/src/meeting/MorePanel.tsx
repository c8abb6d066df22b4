import type { Device, Room } from '@incamera/sdk';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { count } from '../i18n/index.js';
import { attempt, grants, mayModerate, media, people, self, setHand, share, waiting } from '../state/call.js';
import { chosen, refreshDevices } from '../state/devices.js';
import { closePanel, layout, panel, phone } from '../state/meetingui.js';
import { DevicePickers } from '../screens/DevicePickers.js';
import { Button } from '../ui/Button.js';
import { Switches } from '../ui/Switches.js';
import { ConnectionWords } from './ConnectionWords.js';
import { PanelFrame } from './PanelFrame.js';
import { ScreenModes } from './ScreenModes.js';

/** What is not needed every minute, as a list with words. On phones also share, hand, people and host tools. */
export function MorePanel({ room }: { readonly room: Room }) {
  const m = t();
  useEffect(() => { void refreshDevices(); }, []);
  const sharing = media.value?.screen.on === true;
  const hand = self.value?.hand === true;
  const choose = (kind: Device['kind'], id: string) => {
    chosen.value = { ...chosen.value, [kind]: id };
    void attempt(`device-${kind}`, () => (kind === 'speaker' ? room.setOutput(id) : room.switchDevice(kind, id)));
  };
  return (
    <PanelFrame name="more" title={m.more}>
      <div class="body">
        {phone.value && (
          <div class="verbs">
            <ConnectionWords />
            <Button kind="quiet" icon="screen-share" testid="dock-share" pressed={sharing} disabled={!(grants.value?.publish.includes('screen') ?? false)} onClick={() => { share(!sharing); closePanel(); }}>{sharing ? m.shareStop : m.shareStart}</Button>
            <Button kind="quiet" icon="hand" testid="dock-hand" pressed={hand} onClick={() => { setHand(!hand); closePanel(); }}>{hand ? m.handLower : m.handRaise}</Button>
            <Button kind="quiet" icon="users" testid="dock-people" onClick={() => { panel.value = 'people'; }}>{m.peoplePanel} · {count(people.value.length)}</Button>
            {mayModerate.value && <Button kind="quiet" icon="shield" testid="dock-host" onClick={() => { panel.value = 'host'; }}>{m.hostTools}{waiting.value.length > 0 ? ` · ${m.waitingCount(waiting.value.length)}` : ''}</Button>}
            <Button kind="quiet" icon="layout-grid" onClick={() => { layout.value = layout.value === 'grid' ? 'speaker' : 'grid'; closePanel(); }}>{m.layout}: {layout.value === 'grid' ? m.layoutSpeaker : m.layoutGrid}</Button>
          </div>
        )}
        <div class="sec"><span>{m.devicesTitle}</span></div>
        <DevicePickers onChoose={choose} />
        <ScreenModes />
        <div class="sec"><span>{m.theme}</span></div>
        <Switches />
        {!phone.value && <p class="xs quiet keys-help">{m.keysHelp}</p>}
      </div>
    </PanelFrame>
  );
}

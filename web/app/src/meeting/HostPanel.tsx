import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.js';
import { attempt, mayEnd, people, state } from '../state/call.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { PanelFrame } from './PanelFrame.js';
import { WaitingList } from './WaitingList.js';

export function HostPanel() {
  const m = t();
  const asking = useSignal(false);
  const footer = mayEnd.value && <Button kind="quiet-danger" block icon="phone-off" testid="end-meeting" onClick={() => { asking.value = true; }}>{m.endForAll}</Button>;
  return (
    <PanelFrame name="host" title={m.hostTools} footer={footer}>
      <div class="body">
        <WaitingList />
        <div class="sec"><span>{m.thisMeeting}</span></div>
        <label class="switch between wide">
          <span><span class="sm block">{m.lockRoom}</span><span class="xs quiet">{m.lockRoomText}</span></span>
          <input type="checkbox" role="switch" data-testid="host-lock" checked={state.value?.locked === true}
            onChange={(event) => {
              const locked = event.currentTarget.checked;
              void attempt('lock', (room) => room.setLocked(locked));
            }} />
        </label>
      </div>
      {asking.value && (
        <Confirm text={m.endAsk(state.value?.title ?? '', people.value.length)} action={m.endDo} onNo={() => { asking.value = false; }}
          onYes={() => { asking.value = false; void attempt('end', (room) => room.end()); }} />
      )}
    </PanelFrame>
  );
}

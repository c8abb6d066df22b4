import { clock, count, t } from '../i18n/index.js';
import { grants, leave, mayModerate, media, people, self, setCamera, setHand, setMic, share, unread, waiting } from '../state/call.js';
import { panel, phone, togglePanel } from '../state/meetingui.js';
import { useClock } from '../ui/useClock.js';
import { ConnectionWords } from './ConnectionWords.js';
import { DockButton } from './DockButton.js';
import { useToolbar } from './toolbar.js';

function Mine() {
  const m = t();
  const mine = media.value;
  const may = grants.value?.publish ?? [];
  const micOn = mine?.mic.on === true;
  const cameraOn = mine?.camera.on === true;
  const sharing = mine?.screen.on === true;
  const hand = self.value?.hand === true;
  return (
    <div class="dock-mid">
      <DockButton icon={micOn ? 'mic' : 'mic-off'} label={micOn ? m.micOn : m.micMuted} testid="dock-mic" look={micOn ? 'on' : 'off'} pressed={micOn} keys="M"
        title={`${micOn ? m.micOn : m.micMuted} (M)`} disabled={!may.includes('mic')} onClick={() => setMic(!micOn)} />
      <DockButton icon={cameraOn ? 'video' : 'video-off'} label={cameraOn ? m.cameraOn : m.cameraOffShort} testid="dock-camera" look={cameraOn ? 'on' : 'off'} pressed={cameraOn} keys="V"
        title={`${cameraOn ? m.cameraOn : m.cameraOffShort} (V)`} disabled={!may.includes('camera')} onClick={() => setCamera(!cameraOn)} />
      {!phone.value && (
        <>
          <DockButton icon="screen-share" label={sharing ? m.sharing : m.share} testid="dock-share" look="tog" pressed={sharing} keys="S"
            title={`${sharing ? m.shareStop : m.shareStart} (S)`} disabled={!may.includes('screen')} onClick={() => share(!sharing)} />
          <DockButton icon="hand" label={m.hand} testid="dock-hand" look="tog" pressed={hand} keys="H" title={`${hand ? m.handLower : m.handRaise} (H)`} onClick={() => setHand(!hand)} />
        </>
      )}
      {phone.value && <ChatButton />}
      <DockButton icon="ellipsis" label={m.more} testid="dock-more" expanded={panel.value === 'more'} count={phone.value && waiting.value.length > 0 ? { text: count(waiting.value.length), label: m.waitingCount(waiting.value.length) } : null}
        onClick={() => togglePanel('more')} />
      <span class="dock-sep" />
      <DockButton icon="phone-off" label={m.leave} testid="dock-leave" look="leave" onClick={leave} />
    </div>
  );
}

function ChatButton() {
  const m = t();
  return (
    <DockButton icon="message-square" label={m.chatPanel} testid="dock-chat" expanded={panel.value === 'chat'} keys="C" title={`${m.chatPanel} (C)`}
      count={unread.value > 0 ? { text: count(unread.value), label: m.unread(unread.value) } : null} onClick={() => togglePanel('chat')} />
  );
}

function Others() {
  const m = t();
  return (
    <div class="dock-end">
      <DockButton icon="users" label={m.peoplePanel} testid="dock-people" expanded={panel.value === 'people'} keys="P" title={`${m.peoplePanel} (P)`}
        count={{ text: count(people.value.length), quiet: true, label: m.peopleCount(people.value.length) }} onClick={() => togglePanel('people')} />
      <ChatButton />
      {mayModerate.value && (
        <DockButton icon="shield" label={m.hostPanel} testid="dock-host" expanded={panel.value === 'host'}
          count={waiting.value.length > 0 ? { text: count(waiting.value.length), label: m.waitingCount(waiting.value.length) } : null} onClick={() => togglePanel('host')} />
      )}
    </div>
  );
}

/** Three fixed groups: the state, me, the others. Nothing here moves or hides. */
export function Dock() {
  const m = t();
  const now = useClock();
  const toolbar = useToolbar();
  return (
    <div class="dock" role="toolbar" aria-label={m.meetingControls} {...toolbar}>
      {!phone.value && (
        <div class="row hide-m dock-state">
          <span class="num strong">{clock(now)}</span>
          <ConnectionWords />
        </div>
      )}
      <Mine />
      {!phone.value && <Others />}
    </div>
  );
}

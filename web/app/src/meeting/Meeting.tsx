import type { Room } from '@incamera/sdk';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { connection, state } from '../state/call.js';
import { panel } from '../state/meetingui.js';
import { ClassBanner } from './ClassBanner.js';
import { ChatPanel } from './ChatPanel.js';
import { Dock } from './Dock.js';
import { Head } from './Head.js';
import { HostPanel } from './HostPanel.js';
import { MorePanel } from './MorePanel.js';
import { PeoplePanel } from './PeoplePanel.js';
import { Stage } from './Stage.js';
import { StandingBanner } from './StandingBanner.js';
import { useMeetingKeys } from './keys.js';
import { useStepUp } from './stepup.js';

/** The frame: class banner, head, stage with at most one panel, dock. */
export function Meeting({ room }: { readonly room: Room }) {
  const m = t();
  useMeetingKeys();
  useStepUp(room);
  const title = state.value?.title ?? '';
  useEffect(() => {
    document.title = title === '' ? 'InCamera' : `${title} · InCamera`;
    document.body.classList.add('in-meeting');
    return () => {
      document.title = 'InCamera';
      document.body.classList.remove('in-meeting');
    };
  }, [title]);
  const away = connection.value !== null && (connection.value.signaling === 'reconnecting' || connection.value.media === 'lost');
  return (
    <div class={`meet${away ? ' reconnecting' : ''}`} data-testid="meeting" data-connection={connection.value?.signaling} data-media={connection.value?.media}>
      <section aria-label={m.roomClass}><ClassBanner /><StandingBanner /></section>
      <Head />
      <main class="mmain" id="main" tabIndex={-1}>
        <Stage room={room} />
        {panel.value === 'people' && <PeoplePanel />}
        {panel.value === 'chat' && <ChatPanel />}
        {panel.value === 'host' && <HostPanel />}
        {panel.value === 'more' && <MorePanel room={room} />}
      </main>
      <footer><Dock /></footer>
    </div>
  );
}

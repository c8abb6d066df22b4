import { useEffect } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { session } from '../state/session.js';
import { closeVisit, openVisit, stage } from '../state/visit.js';
import { Meeting } from '../meeting/Meeting.js';
import { End } from './End.js';
import { Lobby } from './Lobby.js';
import { PreJoin } from './PreJoin.js';
import { ProblemScreen } from './ProblemScreen.js';

/** Everything behind a room's link, one stage at a time. */
export function RoomScreen({ room }: { readonly room: string }) {
  const known = session.value.state;
  useEffect(() => {
    if (known === 'unknown') return undefined;
    openVisit(room);
    return closeVisit;
  }, [room, known]);

  const now = stage.value;
  switch (now.name) {
    case 'loading':
      return <main id="main" class="wait-page"><p class="muted" role="status">{t().loading}</p></main>;
    case 'problem':
      return <ProblemScreen failure={now.failure} onRetry={() => openVisit(room)} />;
    case 'prejoin':
      return <PreJoin />;
    case 'lobby':
      return <Lobby info={now.info} name={now.guestName} admitted={now.admitted} />;
    case 'meeting':
      return <Meeting room={now.room} />;
    case 'ended':
      return <End ended={now.ended} minutes={now.minutes} onRejoin={() => openVisit(room)} />;
  }
}

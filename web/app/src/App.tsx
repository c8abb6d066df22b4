import { capabilities } from '@incamera/sdk';
import { useEffect } from 'preact/hooks';
import { assertive, polite } from './state/announce.js';
import { navigate, route } from './state/router.js';
import { isAdmin, loadSession, session } from './state/session.js';
import { t } from './i18n/index.js';
import { Home } from './screens/Home.js';
import { NotFound } from './screens/NotFound.js';
import { Account, ByLink, Confirmed, Guests, Network, NewPassword, Security, Streams, Users } from './screens/parts.js';
import { ProblemScreen } from './screens/ProblemScreen.js';
import { RoomScreen } from './screens/RoomScreen.js';
import { SignIn } from './screens/SignIn.js';
import { Unsupported } from './screens/Unsupported.js';
import { Plain } from './ui/Plain.js';
import { StepUp } from './ui/StepUp.js';
import { Toasts } from './ui/Toasts.js';

const { ok: capable, missing } = capabilities();

function Screen() {
  const at = route.value;
  const who = session.value;
  const inside = at.name === 'home' || at.name === 'users' || at.name === 'network' || at.name === 'streams' || at.name === 'guests' || at.name === 'security';
  useEffect(() => {
    if (inside && who.state === 'out') navigate('/sign-in', { replace: true });
  }, [inside, who.state]);

  if (who.state === 'problem' && (inside || at.name === 'room' || at.name === 'guest')) return <ProblemScreen failure={who.failure} onRetry={() => void loadSession()} />;
  if (at.name === 'setup' || at.name === 'invite') return <Account key={at.name} way={at.name} token={at.token} />;
  if (at.name === 'sign-in') return <SignIn />;
  if (at.name === 'reset') return <NewPassword key="reset" token={at.token} />;
  if (at.name === 'confirmed') return <Confirmed />;
  if (at.name === 'not-found') return <NotFound />;
  if (who.state === 'unknown' || (inside && who.state === 'out')) return <main id="main" class="wait-page"><p class="muted" role="status">{t().loading}</p></main>;
  if (at.name === 'room') return capable ? <RoomScreen room={at.room} /> : <Unsupported missing={missing.filter((one) => one.required)} />;
  if (at.name === 'guest') return capable ? <ByLink token={at.token} /> : <Unsupported missing={missing.filter((one) => one.required)} />;
  if (at.name === 'guests') return <Guests key={at.room} room={at.room} />;
  if (at.name === 'streams') return <Streams key={at.room} room={at.room} />;
  if (at.name === 'users') return isAdmin.value ? <Users /> : <Plain><h1>{t().adminsOnly}</h1></Plain>;
  if (at.name === 'security') return <Security />;
  if (at.name === 'network') return capable ? <Network /> : <Unsupported missing={missing.filter((one) => one.required)} />;
  return <Home />;
}

export function App() {
  return (
    <>
      <a class="btn btn-primary skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>{t().skipToContent}</a>
      <Screen />
      <StepUp />
      <Toasts />
      <div class="vh" role="status" aria-live="polite">{polite.value}</div>
      <div class="vh" role="alert" aria-live="assertive">{assertive.value}</div>
    </>
  );
}

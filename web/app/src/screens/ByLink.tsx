import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { invited, openLink } from '../state/invited.js';
import { navigate } from '../state/router.js';
import { user } from '../state/session.js';
import { ProblemScreen } from './ProblemScreen.js';
import { RoomScreen } from './RoomScreen.js';

/** A room by a guest's link. Somebody with an account enters as who they are. */
export function ByLink({ token }: { readonly token: string }) {
  const room = useSignal('');
  const failure = useSignal<Failure | null>(null);
  const open = () => {
    failure.value = null;
    openLink(token).then((id) => {
      if (user.value) navigate(`/r/${id}`, { replace: true });
      else room.value = id;
    }, (error: unknown) => { failure.value = failureOf(error); });
  };
  useEffect(() => {
    open();
    return () => { invited.value = null; };
  }, [token]);
  if (failure.value) return <ProblemScreen failure={failure.value} onRetry={open} />;
  if (room.value === '') return <main id="main" class="wait-page"><p class="muted" role="status">{t().loading}</p></main>;
  return <RoomScreen room={room.value} />;
}

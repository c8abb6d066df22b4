import type { Ended, EndReason } from '@incamera/sdk';
import { t } from '../i18n/index.js';
import { navigate } from '../state/router.js';
import { goSignIn, user } from '../state/session.js';
import { facts } from '../state/visit.js';
import { Button } from '../ui/Button.js';
import { Plain } from '../ui/Plain.js';

/** Reasons after which coming back is possible. */
const MAY_RETURN: ReadonlySet<EndReason> = new Set(['left', 'ended', 'replaced', 'expired', 'unreachable', 'failed', 'declined']);

function words(ended: Ended): { readonly title: string; readonly text: string } {
  const m = t();
  switch (ended.reason) {
    case 'left': return { title: m.endLeft, text: '' };
    case 'ended': return { title: m.endEnded, text: m.endEndedText };
    case 'removed': return { title: m.endRemoved, text: m.endRemovedText(ended.byName) };
    case 'banned': return { title: m.endBanned, text: m.endBannedText(ended.byName) };
    case 'replaced': return { title: m.endReplaced, text: m.endReplacedText };
    case 'declined': return { title: m.endDeclined, text: m.endDeclinedText };
    case 'expired': return { title: m.endExpired, text: m.endExpiredText };
    case 'revoked': return { title: m.endRevoked, text: m.endRevokedText };
    case 'policy': return { title: m.endPolicy, text: m.endPolicyText };
    case 'unauthorized': return { title: m.endUnauthorized, text: m.endUnauthorizedText };
    case 'unreachable': return { title: m.endUnreachable, text: m.endUnreachableText };
    case 'failed': return { title: m.endFailed, text: m.endFailedText };
  }
}

export interface EndProps {
  readonly ended: Ended;
  readonly minutes: number;
  readonly onRejoin: () => void;
}

export function End({ ended, minutes, onRejoin }: EndProps) {
  const m = t();
  const { title, text } = words(ended);
  const room = facts.value?.title;
  const back = MAY_RETURN.has(ended.reason);
  const again = ended.reason === 'declined' ? m.askAgain : m.rejoin;
  const signedIn = user.value !== null;
  return (
    <Plain>
      <div class="stack-2" role="status" data-testid="end-reason" data-reason={ended.reason}>
        <h1>{title}</h1>
        {text && <p>{text}</p>}
        {room && <p class="muted">{ended.reason === 'declined' ? room : `${room} · ${m.minutes(minutes)}`}</p>}
      </div>
      <div class="row wrap">
        {ended.reason === 'unauthorized' && <Button kind="primary" size="lg" onClick={goSignIn}>{m.signInTitle}</Button>}
        {signedIn && <Button kind="primary" size="lg" testid="end-home" onClick={() => navigate('/')}>{m.backHome}</Button>}
        {back && <Button {...(signedIn ? {} : { kind: 'primary' as const })} size="lg" icon="rotate-ccw" testid="end-rejoin" onClick={onRejoin}>{again}</Button>}
      </div>
    </Plain>
  );
}

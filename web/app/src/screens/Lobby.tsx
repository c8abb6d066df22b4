import type { WaitingInfo } from '@incamera/sdk';
import { t } from '../i18n/index.js';
import { user } from '../state/session.js';
import { facts, stopWaiting } from '../state/visit.js';
import { Avatar } from '../ui/Avatar.js';
import { Brand } from '../ui/Brand.js';
import { Button } from '../ui/Button.js';
import { ClassChip } from '../ui/ClassChip.js';
import { Identity } from '../ui/Identity.js';

export interface LobbyProps {
  readonly info: WaitingInfo | null;
  readonly name: string;
  readonly admitted: boolean;
}

/** At the door: what the host sees, and nothing of the meeting. */
export function Lobby({ info, name, admitted }: LobbyProps) {
  const m = t();
  const title = info?.roomTitle || facts.value?.title || '';
  const early = info !== null && !info.hostPresent;
  const assurance = user.value ? (user.value.mfa.passkey ? 'phishing_resistant' : 'mfa') : 'guest';
  return (
    <div class="lb">
      <header class="row between bar">
        <Brand />
        <Button kind="quiet" icon="door-open" testid="lobby-leave" onClick={stopWaiting}>{m.leave}</Button>
      </header>
      <main id="main" class="card door-card" data-testid="lobby">
        <div class="door"><div class="ring"><Avatar name={name} id={name} size="lg" /></div></div>
        <div class="stack-2 ctr" role="status">
          {facts.value && <div><ClassChip of={facts.value.class} /></div>}
          <h1>{admitted ? m.lobbyAdmitted : early ? m.lobbyEarlyTitle : m.lobbyTitle}</h1>
          <p class="muted">{admitted ? m.connecting : early ? m.lobbyEarlyText(title) : m.lobbyText(title)}</p>
        </div>
        <section class="well" aria-labelledby="host-sees">
          <h2 class="sm strong" id="host-sees">{m.lobbyCard}</h2>
          <dl class="kv">
            <div><dt>{m.lobbyName}</dt><dd>{name}</dd></div>
            <div><dt>{m.lobbyIdentity}</dt><dd><Identity assurance={assurance} /></dd></div>
          </dl>
        </section>
        <p class="xs quiet ctr">{m.lobbyPrivate}</p>
      </main>
    </div>
  );
}

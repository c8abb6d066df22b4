import { clock, t } from '../i18n/index.js';
import { attempt, mayModerate, pending, waiting } from '../state/call.js';
import { Avatar } from '../ui/Avatar.js';
import { Button } from '../ui/Button.js';
import { Identity } from '../ui/Identity.js';

/** The people at the door, one by one: badge first, then the two answers. */
export function WaitingList() {
  const m = t();
  if (!mayModerate.value) return null;
  return (
    <>
      <div class="sec"><span>{m.waitingCount(waiting.value.length)}</span></div>
      {waiting.value.length === 0 && <p class="sm muted none">{m.nobodyWaiting}</p>}
      <ul class="stack-2">
        {waiting.value.map((one) => (
          <li class="wait" key={one.id} data-testid="waiting-row" data-waiter={one.id}>
            <div class="row top wait-who">
              <Avatar name={one.name} id={one.id} />
              <div class="grow">
                <div class="sm strong clip">{one.name}</div>
                <Identity assurance={one.assurance} />
                <div class="xs quiet num">{m.waitingSince(clock(one.sinceMs))}</div>
              </div>
            </div>
            <div class="row">
              <Button kind="primary" grow label={m.admitName(one.name)} testid="waiting-admit" disabled={pending.value.has(`door-${one.id}`)} onClick={() => void attempt(`door-${one.id}`, (room) => room.admit(one.id))}>{m.admit}</Button>
              <Button label={m.declineName(one.name)} testid="waiting-decline" disabled={pending.value.has(`door-${one.id}`)} onClick={() => void attempt(`door-${one.id}`, (room) => room.decline(one.id))}>{m.decline}</Button>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

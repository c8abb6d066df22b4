import { t } from '../i18n/index.js';
import { attempt, mayModerate, pending, waiting } from '../state/call.js';
import { Button } from '../ui/Button.js';
import { WaitingRow } from './WaitingRow.js';

/** The people at the door, one by one; above them, all at once. */
export function WaitingList() {
  const m = t();
  if (!mayModerate.value) return null;
  const all = waiting.value;
  const verified = all.filter((one) => one.assurance !== 'guest');
  const admit = (list: typeof all) => void attempt('door', async (room) => {
    const results = await Promise.allSettled(list.map((one) => room.admit(one.id)));
    const failed = results.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  });
  return (
    <>
      <div class="sec"><span>{m.waitingCount(all.length)}</span></div>
      {all.length === 0 && <p class="sm muted none">{m.nobodyWaiting}</p>}
      {all.length > 1 && (
        <div class="row wrap door-all">
          {verified.length > 0 && verified.length < all.length
            && <Button size="sm" testid="waiting-admit-verified" disabled={pending.value.has('door')} onClick={() => admit(verified)}>{m.admitVerified(verified.length)}</Button>}
          <Button size="sm" testid="waiting-admit-all" disabled={pending.value.has('door')} onClick={() => admit(all)}>{m.admitAll(all.length)}</Button>
        </div>
      )}
      <ul class="stack-2">{all.map((one) => <WaitingRow key={one.id} one={one} />)}</ul>
    </>
  );
}

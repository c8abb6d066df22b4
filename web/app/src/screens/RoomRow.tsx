import { useSignal } from '@preact/signals';
import type { Room } from '../api.js';
import { t } from '../i18n/index.js';
import { follow } from '../state/router.js';
import { toast } from '../state/toasts.js';
import { Button } from '../ui/Button.js';
import { ClassChip } from '../ui/ClassChip.js';
import { copyText } from '../ui/clipboard.js';
import { Icon } from '../ui/Icon.js';
import { Confirm } from '../ui/Confirm.js';
import { invitationLink } from '../ui/invitation.js';

export function RoomRow({ room, onDelete }: { readonly room: Room; readonly onDelete: () => void }) {
  const m = t();
  const asking = useSignal(false);
  const link = invitationLink(room.id, room.link);
  const copy = async () => {
    const ok = await copyText(m.invitationText(room.title, link));
    toast({ kind: 'notice', text: ok ? m.invitationCopied : link, topic: 'copy' });
  };
  return (
    <li class="mt">
      <div class="grow stack-2">
        <div class="strong clip">{room.title}</div>
        <div class="row wrap room-facts">
          <ClassChip of={room.class} />
          <a class="sm muted num" href={`/r/${room.id}`} onClick={follow} data-testid="room-link" data-href={link}>{room.id}</a>
        </div>
      </div>
      <div class="row room-verbs">
        <Button kind="quiet" icon="copy" label={`${m.copyInvitation}: ${room.title}`} title={m.copyInvitation} testid="room-copy" onClick={() => void copy()} />
        <a class="btn btn-quiet btn-icon" href={`/r/${room.id}/guests`} onClick={follow} aria-label={`${m.guestLinks}: ${room.title}`} title={m.guestLinks} data-testid="room-guests"><Icon name="user-plus" /></a>
        <a class="btn btn-quiet btn-icon" href={`/r/${room.id}/streams`} onClick={follow} aria-label={`${m.streamKeys}: ${room.title}`} title={m.streamKeys} data-testid="room-streams"><Icon name="video" /></a>
        <Button kind="quiet" icon="x" label={`${m.deleteRoom} ${room.title}`} title={m.deleteRoom} onClick={() => { asking.value = true; }} />
        <a class="btn" href={`/r/${room.id}`} onClick={follow}>{m.open}</a>
      </div>
      {asking.value && (
        <Confirm text={m.deleteRoomAsk(room.title)} action={m.deleteRoomDo} onNo={() => { asking.value = false; }} onYes={() => { asking.value = false; onDelete(); }} />
      )}
    </li>
  );
}

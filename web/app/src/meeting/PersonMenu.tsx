import type { Participant, Role, Room } from '@incamera/sdk';
import { t } from '../i18n/index.js';
import { attempt, isOn, mayModerate } from '../state/call.js';
import { pin, togglePin } from '../state/meetingui.js';
import { Button } from '../ui/Button.js';

export interface PersonMenuProps {
  readonly person: Participant;
  readonly onClose: () => void;
  readonly onBan: () => void;
}

const ROLES: readonly Role[] = ['cohost', 'presenter', 'participant', 'viewer'];

/** The rarer verbs about a person, as a list with words under their row. */
export function PersonMenu({ person, onClose, onBan }: PersonMenuProps) {
  const m = t();
  const act = (verb: (room: Room) => Promise<void>) => () => {
    onClose();
    void attempt(`person-${person.id}`, verb);
  };
  const pinned = pin.value?.participant === person.id;
  return (
    <div class="verbs">
      <Button kind="quiet" icon="pin" pressed={pinned} testid="person-pin" onClick={() => { togglePin({ participant: person.id, kind: pin.value?.participant === person.id ? pin.value.kind : 'camera' }); onClose(); }}>
        {pinned ? m.tileUnpin : m.tilePin}
      </Button>
      {mayModerate.value && (
        <>
          {person.hardMuted
            ? <Button kind="quiet" icon="mic" testid="person-allow" onClick={act((room) => room.mute(person.id, 'mic', { allow: true }))}>{m.muteAllow}</Button>
            : <Button kind="quiet" icon="mic-off" testid="person-hard-mute" onClick={act((room) => room.mute(person.id, 'mic', { hard: true }))}>{m.muteHard}</Button>}
          {isOn(person, 'camera') && <Button kind="quiet" icon="video-off" onClick={act((room) => room.mute(person.id, 'camera'))}>{m.stopCamera}</Button>}
          {isOn(person, 'screen') && <Button kind="quiet" icon="screen-share" onClick={act((room) => room.mute(person.id, 'screen'))}>{m.stopShare}</Button>}
          {ROLES.filter((role) => role !== person.role && person.role !== 'host').map((role) => (
            <Button key={role} kind="quiet" icon="user-round" testid={`person-role-${role}`} onClick={act((room) => room.setRole(person.id, role))}>{m.roleTo(m[role])}</Button>
          ))}
          <Button kind="quiet-danger" icon="ban" testid="person-ban" onClick={onBan}>{m.banDo}</Button>
        </>
      )}
    </div>
  );
}

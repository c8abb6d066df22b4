import type { Participant } from '@incamera/sdk';
import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.js';
import { attempt, isOn, mayModerate, pending, selfId } from '../state/call.js';
import { Avatar } from '../ui/Avatar.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { Icon } from '../ui/Icon.js';
import { Identity } from '../ui/Identity.js';
import { PersonMenu } from './PersonMenu.js';

/** One person: who, how they proved it, and what a host may do. */
export function PersonRow({ person }: { readonly person: Participant }) {
  const m = t();
  const menu = useSignal(false);
  const asking = useSignal<'remove' | 'ban' | null>(null);
  const own = person.id === selfId.value;
  const micOn = isOn(person, 'mic');
  const host = mayModerate.value && !own;
  const role = person.role === 'host' || person.role === 'cohost' || person.role === 'presenter' || person.role === 'viewer' ? m[person.role] : '';
  const out = (ban: boolean) => {
    asking.value = null;
    void attempt(`remove-${person.id}`, (room) => room.remove(person.id, { ban }));
  };
  return (
    <li class="person-item" data-testid="person-row" data-participant={person.id} data-muted={!micOn} data-role={person.role}>
      <div class="person">
        <Avatar name={person.name} id={person.id} />
        <div class="grow">
          <div class="nm clip">{own ? m.nameYou(person.name) : person.name}</div>
          <div class="row wrap person-facts"><Identity assurance={person.assurance} />{role && <span class="tag">{role}</span>}{person.hardMuted && <span class="tag tag-warn">{m.mutedWord}</span>}</div>
        </div>
        <div class="end">
          {host && micOn
            ? <Button kind="quiet" icon="mic" label={m.muteName(person.name)} testid="person-mute" disabled={pending.value.has(`mute-${person.id}`)} onClick={() => void attempt(`mute-${person.id}`, (room) => room.mute(person.id, 'mic'))} />
            : <span class="mic-word" title={micOn ? '' : m.mutedWord}><Icon name={micOn ? 'mic' : 'mic-off'} size="sm" /><span class="vh">{micOn ? '' : m.mutedWord}</span></span>}
          {host && <Button kind="quiet" icon="user-x" label={`${m.removeDo} ${person.name}`} title={m.removeDo} testid="person-remove" onClick={() => { asking.value = 'remove'; }} />}
          {!own && <Button kind="quiet" icon="ellipsis" label={m.moreAbout(person.name)} expanded={menu.value} testid="person-more" onClick={() => { menu.value = !menu.value; }} />}
        </div>
      </div>
      {menu.value && <PersonMenu person={person} onClose={() => { menu.value = false; }} onBan={() => { menu.value = false; asking.value = 'ban'; }} />}
      {asking.value && (
        <Confirm text={asking.value === 'ban' ? m.banAsk(person.name) : m.removeAsk(person.name)} action={m.removeConfirm}
          onNo={() => { asking.value = null; }} onYes={() => out(asking.value === 'ban')} />
      )}
    </li>
  );
}

import { useSignal } from '@preact/signals';
import { count, t } from '../i18n/index.js';
import { attempt, hands, isOn, mayModerate, people, pending, selfId, state, waiting } from '../state/call.js';
import { Button } from '../ui/Button.js';
import { Icon } from '../ui/Icon.js';
import { PanelFrame } from './PanelFrame.js';
import { PersonRow } from './PersonRow.js';
import { WaitingList } from './WaitingList.js';

/** Everybody here, who has a hand up, who is at the door. */
export function PeoplePanel() {
  const m = t();
  const search = useSignal('');
  const wanted = search.value.trim().toLocaleLowerCase();
  const fits = (name: string) => name.toLocaleLowerCase().includes(wanted);
  const found = people.value.filter((one) => fits(one.name));
  const up = hands.value.filter((one) => fits(one.name));
  const footer = mayModerate.value && (
    <div class="row">
      <Button icon="mic-off" grow testid="mute-all" busy={pending.value.has('mute-all') && m.muteAll} onClick={() => muteAll()}>{m.muteAll}</Button>
      <Button icon="lock" grow testid="room-lock" pressed={state.value?.locked === true} onClick={() => void attempt('lock', (room) => room.setLocked(!(state.value?.locked ?? false)))}>
        {state.value?.locked ? m.unlock : m.lock}
      </Button>
    </div>
  );
  return (
    <PanelFrame name="people" title={m.peoplePanel} extra={<span class="quiet num head-count">{count(people.value.length)}</span>} footer={footer}>
      <div class="body">
        <div class="search">
          <label class="vh" for="find-person">{m.findPerson}</label>
          <Icon name="search" />
          <input class="input input-sm" id="find-person" placeholder={m.findPerson} value={search.value} autocomplete="off" onInput={(event) => { search.value = event.currentTarget.value; }} />
        </div>
        {waiting.value.length > 0 && <WaitingList />}
        {up.length > 0 && (
          <>
            <div class="sec"><span>{m.handsCount(up.length)}</span></div>
            <ol>{up.map((one, index) => (
              <li class="hand-row" key={one.id}><span class="tag tag-warn"><Icon name="hand" />{count(index + 1)}</span><span class="sm clip">{one.name}</span></li>
            ))}</ol>
          </>
        )}
        <div class="sec"><span>{m.inMeeting}</span></div>
        {found.length === 0 && <p class="sm muted none">{m.noMatch}</p>}
        <ul>{found.map((one) => <PersonRow key={one.id} person={one} />)}</ul>
      </div>
    </PanelFrame>
  );
}

function muteAll(): void {
  void attempt('mute-all', async (room) => {
    const talking = people.value.filter((one) => one.id !== selfId.value && isOn(one, 'mic'));
    const results = await Promise.allSettled(talking.map((one) => room.mute(one.id, 'mic')));
    const failed = results.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  });
}

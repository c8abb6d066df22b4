import { clock, count, t } from '../i18n/index.js';
import { media, people, state } from '../state/call.js';
import { layout, phone } from '../state/meetingui.js';
import { useClock } from '../ui/useClock.js';
import { Icon } from '../ui/Icon.js';

export function Head() {
  const m = t();
  const now = useClock();
  const encrypted = state.value?.e2ee === true;
  const choose = (next: 'grid' | 'speaker') => () => { layout.value = next; };
  return (
    <header class="mhead">
      <div class="grow">
        <h1 class="ttl clip">{state.value?.title}</h1>
        {phone.value && <div class="xs muted num">{clock(now)} · {m.peopleCount(people.value.length)}</div>}
      </div>
      {media.value?.screen.on && <span class="tag tag-info"><Icon name="screen-share" />{m.youShare}</span>}
      {state.value?.locked && <span class="tag tag-warn" data-testid="room-locked"><Icon name="lock" />{m.locked}</span>}
      <span class={`seal${encrypted ? '' : ' seal-none'}`}>
        <Icon name={encrypted ? 'lock-keyhole' : 'shield'} />
        <span class={phone.value && !encrypted ? 'vh' : ''}>{encrypted ? m.sealE2ee : m.sealServer}</span>
        {phone.value && !encrypted && <span aria-hidden="true">{m.sealShort}</span>}
      </span>
      {!phone.value && (
        <div class="seg" role="group" aria-label={m.layout}>
          <button type="button" aria-pressed={layout.value === 'grid'} onClick={choose('grid')}>{m.layoutGrid}</button>
          <button type="button" aria-pressed={layout.value === 'speaker'} onClick={choose('speaker')}>{m.layoutSpeaker}</button>
        </div>
      )}
      <span class="vh" data-testid="people-count">{count(people.value.length)}</span>
    </header>
  );
}

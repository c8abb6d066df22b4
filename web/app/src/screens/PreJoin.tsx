import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.js';
import { phone } from '../state/meetingui.js';
import { goSignIn, user } from '../state/session.js';
import { follow, navigate } from '../state/router.js';
import { invited } from '../state/invited.js';
import { askToEnter, atDoor, facts, failure, join, joining } from '../state/visit.js';
import { Brand } from '../ui/Brand.js';
import { Button } from '../ui/Button.js';
import { ClassChip } from '../ui/ClassChip.js';
import { Field } from '../ui/Field.js';
import { Icon } from '../ui/Icon.js';
import { Problem } from '../ui/Problem.js';
import { Switches } from '../ui/Switches.js';
import { GuestEntrance } from './parts.js';
import { DevicePickers } from './DevicePickers.js';
import { Preview } from './Preview.js';

/** Camera, microphone, and the one button that joins. */
export function PreJoin() {
  const m = t();
  const room = facts.value;
  if (!room) return null;
  return (
    <div class="pj">
      <header class="row between bar">
        <Brand />
        <div class="row">
          <Switches />
          {user.value && <Button kind="quiet" icon="arrow-left" label={m.backHome} onClick={() => navigate('/')} />}
        </div>
      </header>
      <main id="main">
        <section class="pv" aria-label={m.yourPicture}>
          <Preview />
          {phone.value ? <details class="devs-fold"><summary>{m.chooseDevices}</summary><DevicePickers /></details> : <DevicePickers />}
        </section>
        <section class="info">
          <div class="stack-2">
            <div><ClassChip of={room.class} /></div>
            <h1>{room.title}</h1>
          </div>
          <ul class="facts card">
            <li><Icon name={room.e2ee ? 'lock-keyhole' : 'shield'} /><div><b>{room.e2ee ? m.factE2ee : m.factEncrypted}</b><span>{room.e2ee ? m.factE2eeText : m.factEncryptedText}</span></div></li>
            <li><Icon name="eye" /><div><b>{m.factDoor}</b><span>{m.factDoorText}</span></div></li>
          </ul>
          <Problem failure={failure.value} />
          {user.value && <a class="link-row row sm" href="/network" onClick={follow} data-testid="prejoin-network"><Icon name="signal" /><span>{m.testNetwork}</span></a>}
          {room.e2ee ? <div class="note note-danger" role="alert"><Icon name="circle-alert" /><span>{m.e2eeUnsupported}</span></div> : invited.value && !user.value ? <GuestEntrance /> : <Entrance guests={room.guests} byLink={room.guests_by_invitation === true} />}
        </section>
      </main>
    </div>
  );
}

function Entrance({ guests, byLink }: { readonly guests: boolean; readonly byLink: boolean }) {
  const m = t();
  const name = useSignal('');
  const tried = useSignal(false);
  const who = user.value;

  if (who && failure.value?.sentence === 'second_factor_required') {
    // Asked for again by the click; where a session cannot be confirmed any more, signing in is what is left.
    return <Button kind="primary" size="lg" block busy={joining.value && m.joining} testid="prejoin-confirm" onClick={() => void (atDoor.value ? askToEnter(who.name) : join())}>{m.confirmYouTitle}</Button>;
  }
  if (who && !atDoor.value) {
    return (
      <Button kind="primary" size="lg" block busy={joining.value && m.joining} testid="prejoin-join" onClick={() => void join()}>{m.joinMeeting}</Button>
    );
  }
  if (who) {
    return (
      <Button kind="primary" size="lg" block busy={joining.value && m.asking} testid="prejoin-join" onClick={() => void askToEnter(who.name)}>{m.askToEnter}</Button>
    );
  }
  const signIn = <Button kind={guests && !byLink ? 'line' : 'primary'} size="lg" block testid="prejoin-signin" onClick={goSignIn}>{m.signInToJoin}</Button>;
  if (!guests || byLink) return <div class="stack">{signIn}<p class="sm muted">{guests ? m.errors.invitation_required : m.noGuests}</p></div>;
  const ask = () => {
    tried.value = true;
    if (name.value.trim() !== '') void askToEnter(name.value.trim());
  };
  return (
    <form class="stack-4" noValidate onSubmit={(event) => { event.preventDefault(); ask(); }}>
      {signIn}
      <div class="or"><span>{m.orAsGuest}</span></div>
      <Field label={m.guestName} hint={m.guestNameHint} value={name.value} onInput={(value) => { name.value = value; }} autocomplete="name" maxLength={80} testid="prejoin-name"
        {...(tried.value && name.value.trim() === '' ? { problem: m.guestNameMissing } : {})} />
      <Button kind="primary" size="lg" block type="submit" busy={joining.value && m.asking} testid="prejoin-join">{m.askToEnter}</Button>
    </form>
  );
}

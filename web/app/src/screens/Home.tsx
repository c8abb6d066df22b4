import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type ClassRules, type Room } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { day, clock, t } from '../i18n/index.js';
import { follow, navigate, parseInvitation } from '../state/router.js';
import { user } from '../state/session.js';
import { Button } from '../ui/Button.js';
import { Icon } from '../ui/Icon.js';
import { Identity } from '../ui/Identity.js';
import { Problem } from '../ui/Problem.js';
import { TopBar } from '../ui/TopBar.js';
import { ClassChoice } from './ClassChoice.js';
import { RoomRow } from './RoomRow.js';

/** The server's bound on a room's title, in characters. */
const LONGEST_TITLE = 80;

/** How many screens at once a room is offered to be made for; the deployment's own most is offered last. */
const SCREENS = [1, 2, 4];

/** Start a meeting now, go back to one of my rooms, or join with what somebody sent. */
export function Home() {
  const m = t();
  const rooms = useSignal<readonly Room[] | null>(null);
  const most = useSignal(1);
  const screens = useSignal<number | null>(null);
  const classes = useSignal<readonly ClassRules[]>([]);
  const kind = useSignal('');
  const busy = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const code = useSignal('');
  const codeBad = useSignal(false);
  const now = useSignal(Date.now());

  const load = async () => {
    try {
      const mine = await api.rooms();
      most.value = mine.max_screens;
      classes.value = mine.classes;
      if (!mine.classes.some((one) => one.class === kind.value)) kind.value = mine.default_class;
      rooms.value = mine.rooms;
    } catch (error) {
      failure.value = failureOf(error);
    }
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => { now.value = Date.now(); }, 10_000);
    return () => clearInterval(timer);
  }, []);

  const start = async () => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    try {
      const title = [...m.meetingTitleOf(user.value?.name ?? '')].slice(0, LONGEST_TITLE).join('');
      const room = await api.createRoom(title, kind.value, screens.value);
      navigate(`/r/${room.id}`);
    } catch (error) {
      failure.value = failureOf(error);
      busy.value = false;
    }
  };

  const remove = async (room: Room) => {
    try {
      await api.deleteRoom(room.id);
      rooms.value = (rooms.value ?? []).filter((one) => one.id !== room.id);
    } catch (error) {
      failure.value = failureOf(error);
    }
  };

  const joinCode = () => {
    const room = parseInvitation(code.value);
    codeBad.value = room === null;
    if (room !== null) navigate(`/r/${room}`);
  };

  const who = user.value;
  return (
    <>
      <TopBar at="home" />
      <main class="home" id="main">
        <section class="hi">
          <div>
            <p class="muted">{day(now.value)}</p>
            <h1>{m.greeting(who?.name ?? '', new Date(now.value).getHours())}</h1>
          </div>
          <p class="clock num" aria-hidden="true">{clock(now.value)}</p>
        </section>
        <section class="card today" aria-labelledby="rooms-title">
          <div class="card-head"><h2 id="rooms-title">{m.myRooms}</h2></div>
          <div class="card-problem"><Problem failure={failure.value} /></div>
          {rooms.value === null
            ? !failure.value && <p class="empty muted" role="status">{m.loading}</p>
            : rooms.value.length === 0
              ? <p class="empty muted">{m.noRooms}</p>
              : <ul>{rooms.value.map((room) => <RoomRow key={room.id} room={room} onDelete={() => void remove(room)} />)}</ul>}
        </section>
        <aside class="stack-4 side">
          <section class="card pad stack">
            <h2 class="small-title">{m.startTitle}</h2>
            <p class="sm muted">{m.startText}</p>
            {classes.value.length > 1 && <ClassChoice classes={classes.value} value={kind.value} onChange={(chosen) => { kind.value = chosen; }} />}
            {most.value > 1 && (
              <div class="field">
                <label for="home-screens">{m.screensAtOnce}</label>
                <span class="select">
                  <select id="home-screens" value={String(screens.value ?? most.value)} data-testid="home-screens"
                    onChange={(event) => { const n = Number(event.currentTarget.value); screens.value = n === most.value ? null : n; }}>
                    {[...SCREENS.filter((n) => n < most.value), most.value].map((n) => <option key={n} value={String(n)}>{n}</option>)}
                  </select>
                  <Icon name="chevron-down" />
                </span>
              </div>
            )}
            <Button kind="primary" size="lg" block icon="video" busy={busy.value && m.starting} testid="home-start" onClick={() => void start()}>{m.start}</Button>
          </section>
          <section class="card pad">
            <form class={`field${codeBad.value ? ' bad' : ''}`} noValidate onSubmit={(event) => { event.preventDefault(); joinCode(); }}>
              <label for="join-code">{m.joinTitle}</label>
              <div class="row">
                <input class="input grow num" id="join-code" placeholder={m.joinPlaceholder} autocomplete="off" autocapitalize="none" spellcheck={false}
                  aria-invalid={codeBad.value ? 'true' : undefined} aria-describedby={codeBad.value ? 'join-err' : undefined}
                  value={code.value} data-testid="home-code" onInput={(event) => { code.value = event.currentTarget.value; codeBad.value = false; }} />
                <Button size="lg" icon="arrow-right" type="submit" label={m.join} testid="home-join" />
              </div>
              {codeBad.value && <p class="err" id="join-err" role="alert"><Icon name="circle-alert" /><span>{m.joinBad}</span></p>}
            </form>
          </section>
          <a class="link-row row sm" href="/network" onClick={follow} data-testid="home-network"><Icon name="signal" /><span>{m.testNetwork}</span></a>
          <section class="card pad-4 row who-card">
            <Icon name={who?.mfa.passkey ? 'seal' : 'shield-check'} size="lg" />
            <div class="grow">
              <div class="sm strong clip">{who?.name} · {who?.login}</div>
              <Identity assurance={who?.mfa.passkey ? 'phishing_resistant' : 'mfa'} />
            </div>
          </section>
        </aside>
      </main>
    </>
  );
}

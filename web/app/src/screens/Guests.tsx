import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type GuestLinks } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/guests.js';
import { Problem } from '../ui/Problem.js';
import { TopBar } from '../ui/TopBar.js';
import { GuestLinkRow } from './GuestLinkRow.js';
import { NewGuestLink } from './NewGuestLink.js';

/** How often the list is asked for while a guest may ask for a code that the host tells. */
const LOOK_MS = 3000;

/** For a room's hosts: who is invited without an account, and a link for the next one. */
export function Guests({ room }: { readonly room: string }) {
  const m = t();
  const title = useSignal('');
  const links = useSignal<GuestLinks | null>(null);
  const failure = useSignal<Failure | null>(null);
  const load = async () => {
    try {
      const [facts, list] = await Promise.all([api.roomFacts(room), api.guestLinks(room)]);
      title.value = facts.title;
      links.value = list;
      failure.value = null;
    } catch (error) {
      failure.value = failureOf(error);
    }
  };
  useEffect(() => { void load(); }, [room]);
  const spoken = links.value?.guest_links.some((one) => one.code === 'voice') === true;
  useEffect(() => {
    if (!spoken) return undefined;
    const timer = setInterval(() => { if (!document.hidden) void api.guestLinks(room).then((list) => { links.value = list; }, () => undefined); }, LOOK_MS);
    return () => clearInterval(timer);
  }, [room, spoken]);
  const revoke = async (id: string) => {
    try {
      await api.revokeGuestLink(room, id);
    } catch (error) {
      failure.value = failureOf(error);
      return;
    }
    await load();
  };
  return (
    <>
      <TopBar at="home" />
      <main class="home" id="main">
        <section class="hi"><div><h1>{m.guestsTitle(title.value)}</h1><p class="muted">{m.guestsText}</p></div></section>
        <section class="card today" aria-labelledby="guests-title">
          <div class="card-head"><h2 id="guests-title">{m.guestList}</h2></div>
          <div class="card-problem"><Problem failure={failure.value} /></div>
          {links.value?.guest_links.length === 0 && <p class="pad muted sm">{m.guestsNone}</p>}
          <ul>{links.value?.guest_links.map((one) => <GuestLinkRow key={one.id} of={one} onRevoke={() => void revoke(one.id)} />)}</ul>
        </section>
        <aside class="stack-4 side"><NewGuestLink room={room} mail={links.value?.mail === true} onDone={() => void load()} /></aside>
      </main>
    </>
  );
}

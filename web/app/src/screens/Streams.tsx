import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type StreamKey } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/streams.js';
import { Problem } from '../ui/Problem.js';
import { TopBar } from '../ui/TopBar.js';
import { NewStreamKey } from './NewStreamKey.js';
import { StreamKeyRow } from './StreamKeyRow.js';

/** For a room's hosts: the devices that may publish into it or play it, and a key for the next one. */
export function Streams({ room }: { readonly room: string }) {
  const m = t();
  const title = useSignal('');
  const keys = useSignal<readonly StreamKey[] | null>(null);
  const failure = useSignal<Failure | null>(null);
  const load = async () => {
    try {
      const [facts, list] = await Promise.all([api.roomFacts(room), api.streamKeys(room)]);
      title.value = facts.title;
      keys.value = list;
      failure.value = null;
    } catch (error) {
      failure.value = failureOf(error);
    }
  };
  useEffect(() => { void load(); }, [room]);
  const revoke = async (id: string) => {
    try {
      await api.revokeStreamKey(room, id);
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
        <section class="hi"><div><h1>{m.streamsTitle(title.value)}</h1><p class="muted">{m.streamsText}</p></div></section>
        <section class="card today" aria-labelledby="streams-title">
          <div class="card-head"><h2 id="streams-title">{m.streamKeys}</h2></div>
          <div class="card-problem"><Problem failure={failure.value} /></div>
          {keys.value?.length === 0 && <p class="pad muted sm">{m.streamsNone}</p>}
          <ul>{keys.value?.map((key) => <StreamKeyRow key={key.id} of={key} onRevoke={() => void revoke(key.id)} />)}</ul>
        </section>
        <aside class="stack-4 side"><NewStreamKey room={room} onDone={() => void load()} /></aside>
      </main>
    </>
  );
}

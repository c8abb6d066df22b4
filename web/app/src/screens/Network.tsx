import { InCameraError, pathKinds, testConnectivity, type PathKind } from '@incamera/sdk';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/network.js';
import { Button } from '../ui/Button.js';
import { Icon } from '../ui/Icon.js';
import { TopBar } from '../ui/TopBar.js';
import { explain, summary, verdict, type Results, type Words } from './reachability.js';

const groups = (m: Words): readonly { readonly title: string; readonly paths: readonly (readonly [PathKind, string])[] }[] => [
  { title: m.networkDirect, paths: [['udp4', m.path_udp4], ['udp6', m.path_udp6], ['tcp', m.path_tcp]] },
  { title: m.networkRelayed, paths: [['turn_udp', m.path_turn_udp], ['turn_tcp', m.path_turn_tcp], ['turn_tls', m.path_turn_tls]] },
  { title: m.networkPage, paths: [['websocket', m.path_websocket]] },
];

/** Which ways lead to the server, and why others do not. */
export function Network() {
  const m = t();
  const results = useSignal<Results>(new Map());
  const run = useSignal(0);
  useEffect(() => {
    const abort = new AbortController();
    testConnectivity({
      url: location.origin, signal: abort.signal,
      onResult: (r) => { results.value = new Map(results.value).set(r.kind, r); },
    }).catch((thrown: unknown) => {
      if (abort.signal.aborted) return;
      const { code } = InCameraError.from(thrown, 'media_failed');
      results.value = new Map(pathKinds.map((kind) => [kind, { kind, ok: false, why: 'untested', at: '', connectMs: null, rttMs: null, code }]));
    });
    return () => abort.abort();
  }, [run.value]);

  const again = () => {
    results.value = new Map();
    run.value++;
  };
  const done = results.value.size === pathKinds.length;
  return (
    <>
      <TopBar at="network" />
      <main class="home net" id="main">
        <section class="hi"><div><h1>{m.networkTitle}</h1><p class="muted">{m.networkText}</p></div></section>
        <section class="stack-4" aria-busy={!done}>
          <Verdict results={results.value} done={done} />
          {groups(m).map(({ title, paths }) => (
            <section class="card today" key={title} aria-label={title}>
              <div class="card-head"><h2>{title}</h2></div>
              <ul>{paths.map(([kind, name]) => <Path key={kind} kind={kind} name={name} results={results.value} />)}</ul>
            </section>
          ))}
        </section>
        <aside class="stack-4 side">
          <Button kind="primary" size="lg" block icon="refresh-cw" busy={!done && m.networkTesting} testid="network-again" onClick={again}>{m.networkAgain}</Button>
        </aside>
      </main>
    </>
  );
}

function Verdict({ results, done }: { readonly results: Results; readonly done: boolean }) {
  const m = t();
  const what = verdict(results);
  if (!done && what !== 'good') return <p class="note note-plain" role="status"><Icon name="signal" /><span>{m.networkTesting}</span></p>;
  const look = { good: 'note-safe', fallback: 'note-warn', socket: 'note-danger', none: 'note-danger', no_node: 'note-danger', untested: 'note-warn' }[what];
  return (
    <p class={`note ${look}`} role="status" data-testid="network-verdict" data-verdict={what}>
      <Icon name={what === 'good' ? 'check' : 'circle-alert'} /><span>{summary(m, results)}</span>
    </p>
  );
}

function Path({ kind, name, results }: { readonly kind: PathKind; readonly name: string; readonly results: Results }) {
  const m = t();
  const result = results.get(kind);
  // What the server does not have, or the device, is no fault of the network.
  const calm = result?.why === 'not_offered' || result?.why === 'no_address';
  const state = !result ? 'waits' : result.ok ? 'works' : calm ? 'absent' : 'fails';
  return (
    <li class={`path path-${state}`} data-testid={`path-${kind}`} data-ok={result ? String(result.ok) : ''} data-why={result?.why ?? ''}>
      <Icon name={state === 'works' ? 'check' : state === 'waits' ? 'signal' : 'x'} />
      <div class="grow">
        <div class="sm strong">{name}</div>
        <div class="xs muted">{!result ? m.pathWaits : result.ok || calm ? explain(m, result, results) : `${m.pathFails}. ${explain(m, result, results)}`}</div>
      </div>
    </li>
  );
}

import './scene.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PathKind, PathResult } from '@incamera/sdk';
import { t } from '../src/i18n/network.js';
import { explain, summary, verdict, type Results } from '../src/screens/reachability.js';

const kinds: readonly PathKind[] = ['udp4', 'udp6', 'tcp', 'turn_udp', 'turn_tcp', 'turn_tls', 'websocket'];
const result = (kind: PathKind, facts: Partial<PathResult> = {}): PathResult => (
  { kind, ok: facts.why === undefined, why: '', at: 'meet.test:443', connectMs: null, rttMs: null, code: '', ...facts });
const all = (facts: Partial<Record<PathKind, Partial<PathResult>>>, rest: Partial<PathResult> = { why: 'blocked', at: '192.0.2.1:8490' }): Results =>
  new Map(kinds.map((kind) => [kind, result(kind, facts[kind] ?? rest)]));

test('one sentence says what all results mean for a meeting', () => {
  const m = t();
  assert.equal(summary(m, all({ udp4: {} })), m.networkGood);
  const only443 = all({ turn_tls: {}, websocket: {} });
  assert.equal(verdict(only443), 'fallback');
  assert.match(summary(m, only443), /blocks UDP.*\(Relay over TLS\)/);
  assert.match(summary(m, all({ tcp: {}, turn_tls: {}, websocket: {} })), /\(TCP\)/);
  assert.equal(verdict(all({ websocket: {} })), 'socket');
  assert.equal(verdict(all({})), 'none');
});

test('a server without a media node is no fault of the network, and the page says so', () => {
  const m = t();
  const down = all({ websocket: {} }, { why: 'untested', code: 'unavailable' });
  assert.equal(verdict(down), 'no_node');
  assert.match(summary(m, down), /No media server is ready.*not your network/);
  assert.match(explain(m, down.get('udp4') as PathResult, down), /no media server is ready/);
  const hasty = all({ websocket: {} }, { why: 'untested', code: 'rate_limited' });
  assert.match(summary(m, hasty), /could not be made\. That was too fast/);
});

test('each reason has its own words', () => {
  const m = t();
  const results = all({ tcp: {} });
  const say = (kind: PathKind, why: PathResult['why'], at = 'meet.test:443') => explain(m, result(kind, { why, at }), results);
  assert.match(say('udp4', 'blocked', '192.0.2.1:8490'), /Nothing comes back from 192\.0\.2\.1:8490\. A firewall/);
  assert.match(say('turn_tcp', 'cut'), /refused, or cut at once: a closed port, or a proxy/);
  assert.match(say('turn_tls', 'cut'), /looks into TLS, or a certificate/);
  assert.match(say('turn_tls', 'by_name', '192.0.2.1:443'), /by name only/);
  assert.match(say('turn_udp', 'refused'), /answers, but refuses/);
  assert.match(say('turn_udp', 'dead_end'), /nothing answers behind it/);
  assert.match(say('websocket', 'blocked'), /does not let WebSockets through/);
});

test('an inner address that nothing leads to may be a wrong one', () => {
  const m = t();
  const lost = all({ websocket: {} }, { why: 'blocked', at: '10.0.0.5:8490' });
  assert.match(explain(m, lost.get('udp4') as PathResult, lost), /an address of an inner network.*public address/);
  const reached = all({ tcp: { at: '10.0.0.5:443' } }, { why: 'blocked', at: '10.0.0.5:8490' });
  assert.match(explain(m, reached.get('udp4') as PathResult, reached), /A firewall/, 'another way leads there');
});

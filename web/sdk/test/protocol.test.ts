import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { InCameraError } from '../src/errors.js';
import { decodeServer, encodeClient, type ClientBody } from '../src/protocol.js';
import { errorOf, nonceOf } from '../src/socket.js';
import { golden } from './paths.js';

const files = readdirSync(golden);

test('every golden message of the server is understood', () => {
  const server = files.filter((f) => f.startsWith('server-'));
  assert.ok(server.length > 20);
  for (const file of server) {
    const text = readFileSync(new URL(file, golden), 'utf8');
    const message = decodeServer(text);
    const body = Object.keys(JSON.parse(text) as object).find((k) => k !== 're');
    assert.equal(message.type, body, file);
    assert.equal(message.re, (JSON.parse(text) as { re?: number }).re ?? 0, file);
  }
});

test('every golden message of a client can be written, byte for byte in meaning', () => {
  const client = files.filter((f) => f.startsWith('client-'));
  assert.ok(client.length > 15);
  for (const file of client) {
    const want = JSON.parse(readFileSync(new URL(file, golden), 'utf8')) as Record<string, unknown>;
    const { id, ...rest } = want;
    const [type, body] = Object.entries(rest)[0] as [string, unknown];
    assert.deepEqual(JSON.parse(encodeClient(id as number, { type, body } as ClientBody)), want, file);
  }
});

test('every golden event is the change its name says', () => {
  const names: Record<string, string> = {
    'participant-joined': 'joined', 'participant-changed': 'changed', 'participant-left': 'left', locked: 'locked',
    'waiter-added': 'waiterAdded', 'waiter-gone': 'waiterGone', chat: 'chat', ended: 'ended', hidden: 'hidden',
  };
  for (const file of files.filter((f) => f.startsWith('server-event-'))) {
    const message = decodeServer(readFileSync(new URL(file, golden), 'utf8'));
    assert.equal(message.type, 'event');
    if (message.type === 'event') assert.equal(message.event.change.type, names[file.slice('server-event-'.length, -'.json'.length)], file);
  }
});

test('an absent field is its zero value, and 64-bit numbers come as strings', () => {
  const message = decodeServer('{"joined":{"participant":"p_a","session":"s_a","ticket":"t","placement":"3","snapshot":{"version":"7"}}}');
  assert.equal(message.type, 'joined');
  if (message.type !== 'joined') return;
  assert.equal(message.joined.placement, 3);
  assert.equal(message.joined.snapshot.version, 7);
  assert.deepEqual(message.joined.snapshot.participants, []);
  assert.deepEqual(message.joined.grants, { publish: [], chat: false, roster: false, moderate: false, actions: [] });
});

test('a refusal for want of a factor says which one, and over what a new token is proven', () => {
  const message = decodeServer(readFileSync(new URL('server-error-step-up.json', golden), 'utf8'));
  assert.equal(message.type, 'error');
  if (message.type !== 'error') return;
  const error = errorOf(message);
  assert.deepEqual([error.code, error.stepUp, nonceOf(error)], ['second_factor_required', { acr: 'phishing_resistant', maxAgeMs: 600_000 }, 'bm9uY2Vub25jZW5vbmNlbm9uY2U']);
  const plain = decodeServer(readFileSync(new URL('server-error.json', golden), 'utf8'));
  if (plain.type === 'error') assert.deepEqual([errorOf(plain).stepUp, nonceOf(errorOf(plain))], [undefined, '']);
});

test('words of a newer server do no harm', () => {
  assert.deepEqual(decodeServer('{"re":4,"novelty":{}}'), { re: 4, type: 'unknown' });
  const message = decodeServer('{"event":{"version":"2","participantJoined":{"id":"p_a","role":"ROLE_EMPEROR","future":1,"media":[{"kind":"SOURCE_KIND_SMELL","on":true}]}}}');
  assert.ok(message.type === 'event' && message.event.change.type === 'joined');
  if (message.type === 'event' && message.event.change.type === 'joined') {
    assert.equal(message.event.change.participant.role, 'viewer');
    assert.deepEqual(message.event.change.participant.media, []);
  }
  const paused = decodeServer('{"occupancy":{"slots":[{"slot":3,"paused":"sunspots"}]}}');
  assert.ok(paused.type === 'occupancy' && paused.slots[0]?.paused === 'unknown');
  const unknownEvent = decodeServer('{"event":{"version":"9","recordingStarted":{}}}');
  assert.ok(unknownEvent.type === 'event' && unknownEvent.event.change.type === 'hidden' && unknownEvent.event.version === 9);
});

test('what cannot be a message is refused with its place, never half understood', () => {
  for (const text of [
    '', 'null', '[]', '"x"', '{"re":-1}', '{"re":1.5}', '{"welcome":5}', '{"welcome":{"audience":"a"}}', '{"ok":{},"pong":{}}',
    '{"joined":{"participant":"p","session":"s","ticket":"t"}}', '{"event":{"version":"-1"}}', '{"event":{"version":"18446744073709551615"}}',
    '{"event":{"participantJoined":[]}}', '{"event":{"locked":"yes"}}', '{"speakers":{"speakers":{}}}', '{"error":{"message":"no code"}}',
    '{"occupancy":{"slots":[null]}}', '{"admitted":{"token":"t"}}',
  ]) {
    assert.throws(() => decodeServer(text), (e: unknown) => e instanceof InCameraError && e.code === 'bad_message', text);
  }
});

test('random damage to golden messages gives a message or bad_message, nothing else', () => {
  let seed = 42;
  const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const texts = files.filter((f) => f.startsWith('server-')).map((f) => readFileSync(new URL(f, golden), 'utf8'));
  const junk = ['null', '-1', '{}', '[]', '"', ',', '1e999', 'true', '"__proto__":{},', '\\u0000'];
  for (let i = 0; i < 4000; i++) {
    const text = texts[random(texts.length)] as string;
    const at = random(text.length);
    const damaged = text.slice(0, at) + (junk[random(junk.length)] as string) + text.slice(at + random(8));
    try {
      decodeServer(damaged);
    } catch (error) {
      assert.ok(error instanceof InCameraError && error.code === 'bad_message', `${String(error)} for ${damaged}`);
    }
  }
});

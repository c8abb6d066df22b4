import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { InCameraError } from '../src/errors.js';
import { Emitter, Scope } from '../src/emitter.js';
import { Queue } from '../src/queue.js';
import { Session, type SessionHost } from '../src/session.js';
import { Socket } from '../src/socket.js';
import type { Ended } from '../src/types.js';

type Script = (message: Record<string, unknown>, say: (m: object) => void, socket: Pretended) => void;
let script: Script = () => {};
let made: Pretended[] = [];
const ends: (() => void)[] = [];

class Pretended extends EventTarget {
  up = true;
  constructor() {
    super();
    made.push(this);
    queueMicrotask(() => this.dispatchEvent(new Event('open')));
  }
  send(text: string): void {
    const message = JSON.parse(text) as Record<string, unknown>;
    const say = (m: object) => this.say({ re: message['id'], ...m });
    queueMicrotask(() => {
      if (message['hello']) say({ welcome: { nonce: 'n', audience: 'a', serverTimeMs: '1' } });
      else script(message, say, this);
    });
  }
  say(m: object): void {
    if (this.up) this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(m) }));
  }
  close(code = 1000): void {
    if (!this.up) return;
    this.up = false;
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
}
const quiet = { debug() {}, info() {}, warn() {} };
const open = () => Socket.open({ url: 'wss://x', client: 'test', logger: quiet, WebSocket: Pretended as unknown as typeof WebSocket });

afterEach(() => {
  for (const end of ends.splice(0)) end();
  made = [];
  script = () => {};
});

async function session(next: (attempt: number) => number | null = () => 0): Promise<{ s: Session; log: string[]; end: Promise<Ended> }> {
  const log: string[] = [];
  let over: (e: Ended) => void = () => {};
  const end = new Promise<Ended>((resolve) => (over = resolve));
  const host: SessionHost = {
    version: () => 7, offer: async () => '', resumed: (r) => log.push(`resumed ${r.ticket}`), message: (m) => log.push(m.type),
    signaling: (state, attempt) => log.push(`${state} ${attempt}`), ended: (e) => over(e), fault: (e) => log.push(e.code),
  };
  const key = { jkt: 'j', prove: async (of: { token: string }) => `proof of ${of.token}` };
  const s = new Session({ socket: await open(), open, key, ticket: 't0', policy: { next }, host, logger: quiet });
  s.start();
  ends.push(() => s.close('failed'));
  return { s, log, end };
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));
/** Waits for something that is on its way, however busy the machine is. */
async function until(what: string, there: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !there(); ) {
    if (Date.now() > end) assert.fail(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test('a reply answers its request, an error rejects it, and what is no reply is heard', async () => {
  script = (m, say, socket) => {
    if (m['setHand']) say({ ok: {} });
    if (m['sendChat']) say({ error: { code: 'rate_limited', retryAfterMs: 500 } });
    socket.say({ speakers: {} });
  };
  const { s, log } = await session();
  assert.equal((await s.request({ type: 'setHand', body: {} })).type, 'ok');
  await assert.rejects(s.request({ type: 'sendChat', body: {} }), (e: InCameraError) => e.code === 'rate_limited' && e.retryAfterMs === 500);
  assert.deepEqual(log, ['speakers', 'speakers']);
});

test('a malformed message is told and the session goes on; an unknown one is ignored', async () => {
  const { log } = await session();
  made[0]?.dispatchEvent(Object.assign(new Event('message'), { data: '{"event":7}' }));
  made[0]?.say({ futureThing: {} });
  made[0]?.say({ pong: {} });
  assert.deepEqual(log, ['bad_message', 'unknown', 'pong']);
});

test('a broken socket is resumed with the newest ticket, on its proof, from the version held', async () => {
  let asked: unknown;
  script = (m, say) => {
    if (m['resume']) {
      asked = m['resume'];
      say({ resumed: { ticket: 't2' } });
    }
  };
  const { s, log } = await session();
  made[0]?.say({ ticket: { ticket: 't1' } });
  const waiting = s.request({ type: 'setHand', body: {} });
  made[0]?.close(1006);
  await assert.rejects(waiting, (e: InCameraError) => e.code === 'network');
  await assert.rejects(s.request({ type: 'setHand', body: {} }), (e: InCameraError) => e.code === 'network');
  await until('connected again', () => log.at(-1) === 'connected 0');
  assert.deepEqual(asked, { ticket: 't1', proof: 'proof of t1', version: '7' });
  assert.deepEqual(log, ['reconnecting 1', 'resumed t2', 'connected 0']);
  assert.ok(s.connected);
});

test('refusals that may pass are tried again; hopeless ones end it; so does the policy', async () => {
  const codes = ['state_unavailable', 'no_node', 'internal'];
  script = (m, say) => {
    if (m['resume']) say(codes.length ? { error: { code: codes.shift() } } : { resumed: { ticket: 't' } });
  };
  const one = await session();
  made[0]?.close(1001);
  await until('connected again', () => one.log.at(-1) === 'connected 0');
  assert.equal(one.log.filter((l) => l.startsWith('reconnecting')).length, 4);
  one.s.close('failed'); // no socket of this one is among the next ones

  script = (m, say) => m['resume'] && say({ error: { code: 'ticket_expired' } });
  const two = await session();
  made.at(-1)?.close(1006);
  assert.deepEqual(await two.end, { reason: 'expired', byName: '' });

  script = (m, say) => m['resume'] && say({ error: { code: 'internal' } });
  const three = await session((attempt) => (attempt > 3 ? null : 0));
  made.at(-1)?.close(1006);
  assert.equal((await three.end).reason, 'unreachable');
  await assert.rejects(three.s.request({ type: 'setHand', body: {} }), (e: InCameraError) => e.code === 'closed');
});

test('a bye is the end, but draining is a reason to resume', async () => {
  script = (m, say) => m['resume'] && say({ resumed: { ticket: 't' } });
  const { s, log, end } = await session();
  made[0]?.say({ bye: { reason: 'draining' } });
  await until('connected again', () => log.at(-1) === 'connected 0');
  assert.ok(s.connected && log.includes('resumed t'));
  made.at(-1)?.say({ bye: { reason: 'banned', byName: 'Ada' } });
  assert.deepEqual(await end, { reason: 'banned', byName: 'Ada' });
});

test('leaving does not wait long for a silent server', async () => {
  const { s, end } = await session();
  const began = Date.now();
  await s.leave();
  assert.ok(Date.now() - began < 1500);
  assert.equal((await end).reason, 'left');
  assert.equal(made[0]?.up, false);
});

test('a queue runs one task at a time in order, goes on after failures, and rejects what a close left over', async () => {
  const queue = new Queue('q');
  const log: string[] = [];
  const slow = queue.run('slow', async () => {
    await settle();
    log.push('slow');
  });
  const bad = queue.run('bad', () => {
    log.push('bad');
    throw new Error('x');
  });
  const last = queue.run('last', () => void log.push('last'));
  await slow;
  await assert.rejects(bad);
  await last;
  assert.deepEqual(log, ['slow', 'bad', 'last']);
  const running = queue.run('running', settle);
  const left = queue.run('left', () => {});
  await Promise.resolve();
  queue.close();
  await running.catch(() => {});
  await assert.rejects(left, (e: InCameraError) => e.code === 'closed');
});

test('one bad listener does not stop the others, and a scope undoes everything once', () => {
  const faults: unknown[] = [];
  const emitter = new Emitter<{ x: number }>((e) => faults.push(e));
  const heard: number[] = [];
  emitter.on('x', () => {
    throw new Error('bad');
  });
  const off = emitter.on('x', (n) => heard.push(n));
  emitter.once('x', (n) => heard.push(-n));
  emitter.emit('x', 1);
  off();
  emitter.emit('x', 2);
  assert.deepEqual([heard, faults.length], [[1, -1], 2]);
  const scope = new Scope();
  const undone: number[] = [];
  scope.add(() => undone.push(1));
  const now = scope.add(() => undone.push(2));
  now();
  scope.end();
  scope.end();
  scope.add(() => undone.push(3));
  assert.deepEqual(undone, [2, 1, 3]);
});

test('a network that may have changed: a socket that answers is kept', async () => {
  script = (m, say) => { if (m['ping']) say({ pong: {} }); };
  const { s, log } = await session();
  s.check('test');
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(made.length, 1);
  assert.deepEqual(log, []);
  assert.equal(s.connected, true);
});

test('a network that has changed: the session goes on, on a new socket, before the old one is known to be dead', async () => {
  script = (m, say) => { if (m['resume']) say({ resumed: { ticket: 't1' } }); };
  const { s, log } = await session(() => 5000);
  const lost = s.request({ type: 'setHand', body: {} });
  s.check('test');
  s.check('test'); // signs come in bursts
  await assert.rejects(lost, (e: InCameraError) => e.code === 'network');
  await until('connected again', () => log.at(-1) === 'connected 0');
  assert.equal(made.length, 2);
  assert.equal(made[0]?.up, false);
  assert.deepEqual(log, ['resumed t1', 'connected 0']);
  assert.equal(s.connected, true);
});

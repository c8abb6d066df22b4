import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change, RoomEvent, Snapshot } from '../src/protocol.js';
import { chatKept, difference, fromSnapshot, reduce } from '../src/state.js';
import type { Participant, RoomState } from '../src/types.js';

function person(number: number, more: Partial<Participant> = {}): Participant {
  return {
    id: `p_${number}`, name: `P${number}`, role: 'participant', assurance: 'mfa', number, media: [], hand: false, handAtMs: 0,
    joinedAtMs: 0, present: true, hardMuted: false, ...more,
  };
}
function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return {
    generation: 1, version: 10, room: 'r', meeting: 'm', title: 't', roomClass: '', locked: false, e2ee: false,
    participants: [person(1)], waiting: [], chat: [], startedAtMs: 0, ...more,
  };
}
function event(version: number, change: Change, generation = 1): RoomEvent {
  return { generation, version, atMs: 0, by: '', change };
}
const hidden: Change = { type: 'hidden' };

test('contiguous events build the room', () => {
  let state = fromSnapshot(snapshot());
  const before = state;
  state = reduce(state, event(11, { type: 'joined', participant: person(2) }));
  state = reduce(state, event(12, { type: 'changed', participant: person(2, { hand: true }) }));
  state = reduce(state, event(13, { type: 'locked', locked: true }));
  state = reduce(state, event(14, { type: 'waiterAdded', waiter: { id: 'w', name: 'W', assurance: 'guest', sinceMs: 1, organisation: '', method: 'guest', via: '', network: '', country: '', address: '' } }));
  state = reduce(state, event(15, { type: 'chat', chat: { id: 'c', participant: 'p_1', name: 'P1', text: 'hi', atMs: 1 } }));
  assert.equal(state.version, 15);
  assert.deepEqual([...state.participants.keys()], ['p_1', 'p_2']);
  assert.equal(state.participants.get('p_2')?.hand, true);
  assert.ok(state.locked && state.waiting.has('w') && state.chat.length === 1 && !state.stale);
  const d = difference(before, state);
  assert.deepEqual([d.joined.length, d.left.length, d.chat.length, d.waiting?.length], [1, 0, 1, 1]);
  state = reduce(state, event(16, { type: 'waiterGone', waiter: 'w' }));
  state = reduce(state, event(17, { type: 'left', participant: 'p_2', reason: 'left' }));
  state = reduce(state, event(18, { type: 'ended' }));
  assert.ok(state.ended && state.waiting.size === 0 && state.participants.size === 1);
  assert.equal(before.participants.size, 1, 'the older state is untouched');
});

test('a repeat changes nothing, a gap marks the room stale, the missing event mends it', () => {
  const state = fromSnapshot(snapshot());
  assert.equal(reduce(state, event(10, { type: 'locked', locked: true })), state);
  assert.equal(reduce(state, event(3, hidden)), state);
  const gap = reduce(state, event(12, { type: 'locked', locked: true }));
  assert.deepEqual([gap.stale, gap.version, gap.locked], [true, 10, false]);
  assert.equal(reduce(gap, event(13, hidden)), gap);
  const mended = reduce(gap, event(11, hidden));
  assert.deepEqual([mended.stale, mended.version], [false, 11]);
});

test('a higher generation goes on where the versions meet and is a gap where they do not; a lower one is over', () => {
  const state = fromSnapshot(snapshot({ generation: 5 }));
  assert.equal(reduce(state, event(11, hidden, 4)), state);
  assert.equal(reduce(state, event(11, hidden, 6)).generation, 6);
  assert.ok(reduce(state, event(9, hidden, 6)).stale, 'a fork of history needs a snapshot');
});

test('any order and repetition of events, with what was missing sent again, ends in the same room', () => {
  let seed = 7;
  const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  for (let round = 0; round < 300; round++) {
    const history: RoomEvent[] = [];
    for (let v = 11; v < 40; v++) {
      const n = 1 + random(6);
      const changes: Change[] = [
        { type: 'joined', participant: person(n) }, { type: 'changed', participant: person(n, { hand: random(2) === 1 }) },
        { type: 'left', participant: `p_${n}`, reason: 'left' }, { type: 'locked', locked: random(2) === 1 }, hidden,
        { type: 'chat', chat: { id: `c${v}`, participant: 'p_1', name: '', text: String(v), atMs: v } },
      ];
      history.push(event(v, changes[random(changes.length)] as Change));
    }
    const want = history.reduce(reduce, fromSnapshot(snapshot()));
    let state: RoomState = fromSnapshot(snapshot());
    for (let i = 0; i < 60; i++) {
      const before = state;
      state = reduce(state, history[random(history.length)] as RoomEvent);
      assert.ok(state.version === before.version || state.version === before.version + 1, 'a version is never skipped');
    }
    for (const e of history) state = reduce(state, e);
    assert.deepEqual(state, want);
  }
});

test('chat is bounded and a repeat of a message is one message', () => {
  let state = fromSnapshot(snapshot());
  for (let i = 0; i < chatKept + 20; i++) {
    state = reduce(state, event(11 + i, { type: 'chat', chat: { id: `c${i}`, participant: 'p_1', name: '', text: '', atMs: i } }));
  }
  assert.equal(state.chat.length, chatKept);
  const last = state.chat.at(-1);
  assert.ok(last);
  assert.equal(reduce(state, event(state.version + 1, { type: 'chat', chat: last })).chat, state.chat);
});

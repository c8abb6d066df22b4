// The shared state of a meeting as a pure function of snapshots and events.

import type { RoomEvent, Snapshot } from './protocol.js';
import type { ChatMessage, Participant, RoomState, Waiter } from './types.js';

/** How much chat is kept in memory. */
export const chatKept = 500;

export function fromSnapshot(s: Snapshot): RoomState {
  return {
    generation: s.generation, version: s.version, room: s.room, meeting: s.meeting, title: s.title, roomClass: s.roomClass,
    locked: s.locked, e2ee: s.e2ee,
    participants: byNumber(s.participants), waiting: new Map(s.waiting.map((w) => [w.id, w])),
    chat: s.chat.slice(-chatKept), startedAtMs: s.startedAtMs, ended: false, stale: false,
  };
}

/**
 * One step. An event that is already contained gives the same object; an event after a gap gives the same facts
 * marked stale; versions count through generations, so the next version of a higher generation is no gap.
 */
export function reduce(state: RoomState, event: RoomEvent): RoomState {
  if (event.generation < state.generation) return state;
  if (event.version <= state.version && event.generation === state.generation) return state;
  if (event.version !== state.version + 1) return state.stale ? state : { ...state, stale: true };
  return { ...state, ...changeOf(state, event), generation: event.generation, version: event.version, stale: false };
}

function changeOf(state: RoomState, { change }: RoomEvent): Partial<RoomState> {
  switch (change.type) {
    case 'joined':
    case 'changed':
      return { participants: withParticipant(state.participants, change.participant) };
    case 'left':
      return { participants: without(state.participants, change.participant) };
    case 'locked':
      return { locked: change.locked };
    case 'waiterAdded':
      return { waiting: new Map(state.waiting).set(change.waiter.id, change.waiter) };
    case 'waiterGone':
      return { waiting: without(state.waiting, change.waiter) };
    case 'chat':
      return { chat: withChat(state.chat, change.chat) };
    case 'ended':
      return { ended: true };
    case 'hidden':
      return {};
  }
}

function withParticipant(all: ReadonlyMap<string, Participant>, one: Participant): ReadonlyMap<string, Participant> {
  if (all.has(one.id)) return new Map(all).set(one.id, one);
  return byNumber([...all.values(), one]);
}

function byNumber(all: readonly Participant[]): ReadonlyMap<string, Participant> {
  return new Map([...all].sort((a, b) => a.number - b.number).map((p) => [p.id, p]));
}

function without<T>(all: ReadonlyMap<string, T>, id: string): ReadonlyMap<string, T> {
  if (!all.has(id)) return all;
  const rest = new Map(all);
  rest.delete(id);
  return rest;
}

function withChat(all: readonly ChatMessage[], one: ChatMessage): readonly ChatMessage[] {
  if (one.id !== '' && all.some((m) => m.id === one.id && m.participant === one.participant)) return all;
  return [...all, one].slice(-chatKept);
}

/** What changed between two states, for those who want events rather than states. */
export interface Difference {
  readonly joined: readonly Participant[];
  readonly left: readonly Participant[];
  readonly chat: readonly ChatMessage[];
  readonly waiting: readonly Waiter[] | null;
}

export function difference(before: RoomState, after: RoomState): Difference {
  const people = before.participants !== after.participants;
  const known = new Set(before.chat.map((m) => `${m.participant}/${m.id}`));
  return {
    joined: people ? [...after.participants.values()].filter((p) => !before.participants.has(p.id)) : [],
    left: people ? [...before.participants.values()].filter((p) => !after.participants.has(p.id)) : [],
    chat: before.chat === after.chat ? [] : after.chat.filter((m) => !known.has(`${m.participant}/${m.id}`)),
    waiting: before.waiting === after.waiting ? null : [...after.waiting.values()],
  };
}

// One visit to a room: from opening its link to the end screen. The page shows one stage of it at a time.

import { InCameraError, prepare, type Ended, type Prepared, type Room, type WaitingInfo } from '@incamera/sdk';
import { effect, signal } from '@preact/signals';
import { api, ApiError, type RoomFacts } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { attachCall, detachCall, media } from './call.js';
import { camera, chosen, handOver, mic, remember, startPreview, stopPreview } from './devices.js';
import { invited, invitedPass } from './invited.js';
import { Pass } from './pass.js';
import { session, user } from './session.js';

export type Stage =
  | { readonly name: 'loading' }
  | { readonly name: 'problem'; readonly failure: Failure }
  | { readonly name: 'prejoin' }
  | { readonly name: 'lobby'; readonly info: WaitingInfo | null; readonly guestName: string; readonly admitted: boolean }
  | { readonly name: 'meeting'; readonly room: Room }
  | { readonly name: 'ended'; readonly ended: Ended; readonly minutes: number };

export const stage = signal<Stage>({ name: 'loading' });
export const facts = signal<RoomFacts | null>(null);
/** What went wrong at the last attempt to enter; shown in pre-join. */
export const failure = signal<Failure | null>(null);
export const joining = signal(false);
/** True when this person has no token of their own and must ask at the door. */
export const atDoor = signal(false);

interface Visit {
  readonly room: string;
  readonly abort: AbortController;
  prepared: Prepared | null;
  pass: Pass | null;
  undo: () => void;
}
let visit: Visit | null = null;

/** Opens the link of a room: facts, socket, key, token and preview, all at once. */
export function openVisit(room: string): void {
  closeVisit();
  const mine: Visit = { room, abort: new AbortController(), prepared: null, pass: null, undo: () => undefined };
  visit = mine;
  stage.value = { name: 'loading' };
  facts.value = null;
  failure.value = null;
  joining.value = false;
  atDoor.value = user.value === null;
  void api.roomFacts(room).then(
    (found) => {
      if (visit !== mine) return;
      facts.value = found;
      stage.value = { name: 'prejoin' };
      if (!found.e2ee) getReady(mine);
    },
    (error: unknown) => {
      if (visit === mine) stage.value = { name: 'problem', failure: failureOf(error) };
    },
  );
}

function getReady(mine: Visit): void {
  void startPreview();
  // A guest is whoever holds a key: the next visit is another guest's.
  const prepared = prepare({ url: location.origin, room: mine.room, key: user.value ? 'device' : 'visit' });
  mine.prepared = prepared;
  // A socket that fails now is tried again by connect, which reports it where the person sees it.
  prepared.ready.catch(() => undefined);
  prepared.jkt.catch(() => undefined);
  mine.undo = effect(() => {
    const tracks = { mic: mic.value.track, camera: camera.value.track };
    if (stage.peek().name !== 'meeting') prepared.setTracks(tracks).catch(() => undefined);
  });
  if (user.value) startPass(mine, prepared);
}

function startPass(mine: Visit, prepared: Prepared): void {
  mine.pass = new Pass({ room: mine.room, jkt: prepared.jkt, onFailure: (error) => { if (visit === mine) readRefusal(error, false); } });
  mine.pass.start();
}

/** A refusal says which other way there is. Before the click the other way is enough; after it, the reason too. */
function readRefusal(error: unknown, clicked: boolean): void {
  const code = error instanceof ApiError || error instanceof InCameraError ? error.code : '';
  if (code === 'lobby_required' || code === 'room_locked') {
    atDoor.value = true;
    if (clicked) failure.value = failureOf(error);
  }
  else if (code === 'unauthenticated') session.value = { state: 'out' }; // the visit opens anew, as a guest's
  else failure.value = failureOf(error);
}

function mediaChoice() {
  return { mic: handOver('mic'), camera: handOver('camera') } as const;
}

/** Enters with the own token. */
export async function join(): Promise<void> {
  const mine = visit;
  if (!mine?.prepared || !mine.pass || joining.value) return;
  joining.value = true;
  failure.value = null;
  try {
    enterRoom(mine, await connectOnceMore(mine.prepared, mine.pass, mine.abort.signal));
  } catch (error) {
    if (visit === mine && !mine.abort.signal.aborted) readRefusal(error, true);
  } finally {
    joining.value = false;
  }
}

/** A token that grew old or was used between fetch and click is replaced without asking the person. */
async function connectOnceMore(prepared: Prepared, pass: Pass, signal: AbortSignal): Promise<Room> {
  const media = mediaChoice();
  try {
    return await prepared.connect({ token: await pass.take(), ...media, signal });
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    if (code !== 'token_expired' && code !== 'token_used') throw error;
    return await prepared.connect({ token: await pass.take(), ...media, signal });
  }
}

/** Waits at the door under this name, then enters with what the host gave. `code`: of a guest's link that asks for one. */
export async function askToEnter(name: string, code = ''): Promise<void> {
  const mine = visit;
  if (!mine?.prepared || joining.value) return;
  const { prepared, abort } = mine;
  joining.value = true;
  failure.value = null;
  try {
    const jkt = await prepared.jkt;
    const by = invited.peek();
    const pass = by ? await invitedPass(by, name, jkt, code) : (await api.lobbyPass(mine.room, jkt, name)).pass;
    if (visit !== mine) return;
    stage.value = { name: 'lobby', info: null, guestName: name, admitted: false };
    const admitted = await prepared.waitInLobby({
      pass, name, signal: abort.signal,
      onWaiting: (info) => { if (visit === mine && stage.value.name === 'lobby') stage.value = { ...stage.value, info }; },
    });
    if (visit === mine && stage.value.name === 'lobby') stage.value = { ...stage.value, admitted: true };
    enterRoom(mine, await prepared.connect({ admitted, ...mediaChoice(), signal: abort.signal }));
  } catch (error) {
    if (visit !== mine || abort.signal.aborted) return;
    if ((error as { code?: unknown } | null)?.code === 'declined') {
      finish(mine, { reason: 'declined', byName: '' }, 0);
      return;
    }
    stage.value = { name: 'prejoin' };
    failure.value = failureOf(error, { forbidden: 'guests_refused' });
  } finally {
    joining.value = false;
  }
}

function enterRoom(mine: Visit, room: Room): void {
  if (visit !== mine) {
    void room.leave();
    return;
  }
  mine.pass?.close();
  mine.pass = null;
  const since = Date.now();
  if (chosen.value.speaker !== '') void room.setOutput(chosen.value.speaker).catch(() => undefined);
  attachCall(room, (ended) => finish(mine, ended, Math.floor((Date.now() - since) / 60_000)));
  stage.value = { name: 'meeting', room };
  // For tests and for people who debug their own portal: the living Room, without a global.
  document.dispatchEvent(new CustomEvent('incamera:room', { detail: room }));
}

function finish(mine: Visit, ended: Ended, minutes: number): void {
  if (visit !== mine) return;
  if (media.value) remember(media.value.mic.on, media.value.camera.on);
  tidy(mine);
  stage.value = { name: 'ended', ended, minutes };
}

function tidy(mine: Visit): void {
  mine.undo();
  mine.pass?.close();
  mine.abort.abort();
  if (stage.peek().name !== 'meeting') mine.prepared?.close();
  detachCall();
  stopPreview();
}

/** Leaves the room's pages altogether: navigation, sign-out. */
export function closeVisit(): void {
  const mine = visit;
  visit = null;
  if (!mine) return;
  const now = stage.peek();
  tidy(mine);
  if (now.name === 'meeting') void now.room.leave().catch(() => undefined);
}

/** Gives up waiting at the door: back to pre-join, with a new key and socket. */
export function stopWaiting(): void {
  if (visit) openVisit(visit.room);
}

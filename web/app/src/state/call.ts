// The running meeting as signals, fed by the Room's events. Components read these and never subscribe themselves.

import type { ChatMessage, Connection, Ended, Grants, LocalMedia, Participant, Room, RoomState, Speaker, Standing, Waiter } from '@incamera/sdk';
import { computed, effect, signal } from '@preact/signals';
import { failureOf, sentenceIn } from '../failure.js';
import { t } from '../i18n/index.js';
import { Announcer } from './announce.js';
import { language } from './prefs.js';
import { forbids, standingText } from './standing.js';
import { followSlots, forgetSlots } from './soundonly.js';
import { withFactor } from './stepup.js';
import { clearToasts, dismissTopic, toast } from './toasts.js';
import { closePanel, panel, resetMeetingUi } from './meetingui.js';

export const room = signal<Room | null>(null);
export const state = signal<RoomState | null>(null);
export const media = signal<LocalMedia | null>(null);
export const connection = signal<Connection | null>(null);
export const grants = signal<Grants | null>(null);
/** What the rules of the place say of this person now. */
export const standing = signal<Standing | null>(null);
export const waiting = signal<readonly Waiter[]>([]);
/** Ids of the people heard now, loudest first. */
export const speaking = signal<readonly string[]>([]);
/** Rises when somebody moves into or out of a slot: pictures are asked for again. */
export const slotsTurn = signal(0);
/** The pictures carry who looks at them. */
export const marked = signal(false);
export const unread = signal(0);
/** What the page last asked for and is not done yet, per verb: buttons show it. */
export const pending = signal<ReadonlySet<string>>(new Set());

export const selfId = computed(() => room.value?.selfId ?? '');
/** Everybody, in the order they came: the order of the tiles for the whole call. */
export const people = computed<readonly Participant[]>(() =>
  [...(state.value?.participants.values() ?? [])].sort((a, b) => a.number - b.number));
export const self = computed(() => state.value?.participants.get(selfId.value) ?? null);
export const hands = computed(() => people.value.filter((one) => one.hand).sort((a, b) => a.handAtMs - b.handAtMs));
export const mayModerate = computed(() => grants.value?.moderate ?? false);
export const mayEnd = computed(() => grants.value?.actions.includes('end') ?? false);
export const chat = computed<readonly ChatMessage[]>(() => state.value?.chat ?? []);

const SPEAKING_DBOV = 55;
let undo: (() => void)[] = [];
let announcer: Announcer | null = null;

export function isOn(person: Participant, kind: 'mic' | 'camera' | 'screen'): boolean {
  return person.media.some((source) => source.kind === kind && source.on);
}

/** Follows a room until its `ended`. */
export function attachCall(joined: Room, onEnded: (ended: Ended) => void): void {
  detachCall();
  resetMeetingUi();
  clearToasts();
  room.value = joined;
  read(joined);
  announcer = new Announcer();
  undo = [
    joined.on('change', () => read(joined)),
    joined.on('media', (value) => followMedia(value)),
    joined.on('connection', (value) => { connection.value = value; }),
    joined.on('waiting', (value) => followWaiting(value)),
    joined.on('watermark', (text) => { marked.value = text !== ''; }),
    joined.on('slots', (slots) => {
      slotsTurn.value++;
      followSlots(slots, (text) => announcer?.say(text));
    }),
    joined.on('standing', (value) => followStanding(value)),
    joined.on('speakers', (value) => followSpeakers(value)),
    joined.on('chat', (message) => followChat(message)),
    joined.on('participant-joined', (person) => announcer?.joined(person.name, people.value.length)),
    joined.on('participant-left', ({ participant }) => announcer?.left(participant.name, people.value.length)),
    joined.on('error', (error) => followError(joined, error)),
    joined.on('ended', onEnded),
    effect(() => { if (panel.value === 'chat') unread.value = 0; }),
  ];
}

export function detachCall(): void {
  for (const one of undo) one();
  undo = [];
  forgetSlots();
  announcer?.close();
  announcer = null;
  room.value = null;
  state.value = null;
  media.value = null;
  connection.value = null;
  grants.value = null;
  standing.value = null;
  waiting.value = [];
  speaking.value = [];
  unread.value = 0;
  pending.value = new Set();
  clearToasts();
}

function read(from: Room): void {
  const before = state.value;
  const me = from.self;
  const was = before?.participants.get(from.selfId);
  state.value = from.state;
  media.value = from.media;
  connection.value = from.connection;
  marked.value = from.watermark !== '';
  standing.value ??= from.standing;
  grants.value = from.grants;
  followWaiting(from.waiting);
  if (!before || !me || !was) return;
  if (me.hardMuted !== was.hardMuted) notice(me.hardMuted ? t().mutedHard : t().nowAllowed, me.hardMuted, 'muted');
  if (me.role !== was.role) notice(t().youAreNow(t()[me.role]));
  if (before.locked !== from.state.locked) notice(from.state.locked ? t().roomLocked : t().roomUnlocked);
  for (const person of from.state.participants.values()) {
    if (person.hand && person.id !== from.selfId && before.participants.get(person.id)?.hand === false) announcer?.say(t().handRaised(person.name));
  }
}

function notice(text: string, alert = false, topic?: string): void {
  toast({ kind: alert ? 'alert' : 'notice', text, ...(topic === undefined ? {} : { topic }) });
  announcer?.say(text, alert);
}

function followStanding(value: Standing): void {
  const before = standingText(standing.value);
  standing.value = value;
  const now = standingText(value);
  if (now !== before) notice(now || t().restrictedOver, now !== '', 'standing');
}

/** Says why something cannot be switched on; false when nothing forbids it. */
function refused(kind: 'mic' | 'camera' | 'screen'): boolean {
  if (!forbids(standing.value, kind)) return false;
  notice(standingText(standing.value), true, 'standing');
  return true;
}

function followMedia(value: LocalMedia): void {
  const before = media.value;
  media.value = value;
  if (value.mic.mutedByHost && before && !before.mic.mutedByHost && !(self.value?.hardMuted ?? false)) notice(t().mutedByHost, true, 'muted');
  if (value.mic.on) dismissTopic('muted');
}

function followWaiting(value: readonly Waiter[]): void {
  const known = new Set(waiting.value.map((one) => one.id));
  const more = value.some((one) => !known.has(one.id));
  waiting.value = value;
  if (value.length === 0) dismissTopic('waiting');
  else if (more && panel.value !== 'host' && panel.value !== 'people') {
    const text = t().waitingHint(value.length);
    toast({ kind: 'hint', topic: 'waiting', text, action: { label: t().review, run: () => { panel.value = 'host'; } } });
    announcer?.say(text);
  }
}

function followSpeakers(value: readonly Speaker[]): void {
  const next = value.filter((one) => one.level <= SPEAKING_DBOV).map((one) => one.participant);
  if (next.join() !== speaking.value.join()) speaking.value = next;
}

function followChat(message: ChatMessage): void {
  if (message.participant === selfId.value || panel.value === 'chat') return;
  unread.value++;
  announcer?.say(t().chatFrom(message.name));
}

function followError(from: Room, error: unknown): void {
  const failure = failureOf(error);
  if (failure.code === 'playback_blocked') {
    toast({ kind: 'hint', topic: 'playback', text: t().soundBlocked, action: { label: t().playSound, run: () => void from.resumePlayback().catch(report) } });
    return;
  }
  report(error);
}

/** A failed wish, in words at the edge of the page. */
export function report(error: unknown): void {
  const failure = failureOf(error);
  if (failure.code === 'aborted') return;
  const text = sentenceIn(language.value, failure);
  toast({ kind: 'alert', text, topic: failure.code, ...(failure.reference ? { reference: failure.reference } : {}) });
  announcer?.say(text, true);
}

/** Runs a verb of the room once at a time; one that asks for a second factor gets it and runs again; what fails is told. */
export async function attempt(name: string, verb: (room: Room) => Promise<void>): Promise<boolean> {
  const current = room.value;
  if (!current || pending.value.has(name)) return false;
  pending.value = new Set([...pending.value, name]);
  try {
    await withFactor(() => verb(current));
    return true;
  } catch (error) {
    report(error);
    return false;
  } finally {
    pending.value = new Set([...pending.value].filter((one) => one !== name));
  }
}

export function setMic(on: boolean): void {
  if (on && self.value?.hardMuted) {
    notice(t().mutedHardTry, true, 'muted');
    return;
  }
  if (on && refused('mic')) return;
  void attempt('mic', (current) => current.setMic(on));
}
export function setCamera(on: boolean): void {
  if (on && refused('camera')) return;
  void attempt('camera', (current) => current.setCamera(on));
}
export const share = (on: boolean) => on && refused('screen') || void attempt('share', async (current) => {
  try {
    await current.shareScreen(on);
  } catch (error) {
    // Closing the browser's own picker is an answer, not a failure.
    if (!on || (error as { code?: unknown } | null)?.code !== 'device_blocked') throw error;
  }
});
export const setHand = (up: boolean) => void attempt('hand', (current) => current.setHand(up));
export function leave(): void {
  closePanel();
  void attempt('leave', (current) => current.leave());
}

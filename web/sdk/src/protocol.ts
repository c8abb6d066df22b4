// The border between wire JSON and the SDK: text in, discriminated unions out, and back.

import type { FactorAsked } from './errors.js';
import { Fields, malformed, type Key } from './fields.js';
import type * as wire from './gen/incamera_pb.js';
import type {
  Action, Assurance, ChatMessage, Grants, MediaSource, Participant, PauseReason, Role, SignInMethod, SourceKind, Speaker, Standing, Waiter, WaitingInfo,
} from './types.js';

export const protocolVersion = 1;
export const subprotocol = 'incamera.v1';

// ---------------------------------------------------------------- words

const actions: Readonly<Record<string, Action>> = {
  ACTION_ADMIT: 'admit', ACTION_MUTE: 'mute', ACTION_REMOVE: 'remove', ACTION_RECORD: 'record', ACTION_SET_ROLE: 'set-role',
  ACTION_LOCK: 'lock', ACTION_END: 'end',
};
const kinds: Readonly<Record<string, SourceKind>> = {
  SOURCE_KIND_MIC: 'mic', SOURCE_KIND_CAMERA: 'camera', SOURCE_KIND_SCREEN: 'screen', SOURCE_KIND_SCREEN_AUDIO: 'screen_audio',
} satisfies Partial<Record<wire.SourceKindJson, SourceKind>>;
const roles: Readonly<Record<string, Role>> = {
  ROLE_HOST: 'host', ROLE_COHOST: 'cohost', ROLE_PRESENTER: 'presenter', ROLE_PARTICIPANT: 'participant', ROLE_VIEWER: 'viewer',
} satisfies Partial<Record<wire.RoleJson, Role>>;
const assurances: Readonly<Record<string, Assurance>> = {
  ASSURANCE_GUEST: 'guest', ASSURANCE_MFA: 'mfa', ASSURANCE_PHISHING_RESISTANT: 'phishing_resistant',
  ASSURANCE_STREAM_KEY: 'stream_key',
} satisfies Partial<Record<wire.AssuranceJson, Assurance>>;
const mediaTypes: Readonly<Record<string, 'audio' | 'video'>> = {
  MEDIA_TYPE_AUDIO: 'audio', MEDIA_TYPE_VIDEO: 'video',
} satisfies Partial<Record<wire.MediaTypeJson, 'audio' | 'video'>>;
const pauses: readonly string[] = ['', 'off', 'no_layer', 'codec', 'bandwidth', 'overload', 'not_granted'] satisfies PauseReason[];

export const wireKind: Readonly<Record<SourceKind, wire.SourceKindJson>> = {
  mic: 'SOURCE_KIND_MIC', camera: 'SOURCE_KIND_CAMERA', screen: 'SOURCE_KIND_SCREEN', screen_audio: 'SOURCE_KIND_SCREEN_AUDIO',
};
export const wireRole: Readonly<Record<Role, wire.RoleJson>> = {
  host: 'ROLE_HOST', cohost: 'ROLE_COHOST', presenter: 'ROLE_PRESENTER', participant: 'ROLE_PARTICIPANT', viewer: 'ROLE_VIEWER',
};

// ---------------------------------------------------------------- client messages

type ClientBodies = Required<Omit<wire.ClientMessageJson, 'id'>>;
export type ClientBody = { [K in keyof ClientBodies]: { readonly type: K; readonly body: ClientBodies[K] } }[keyof ClientBodies];

export function encodeClient(id: number, message: ClientBody): string {
  const out: wire.ClientMessageJson = { id, [message.type]: message.body };
  return JSON.stringify(out);
}

// ---------------------------------------------------------------- server messages

export interface Limits {
  readonly maxMessageBytes: number;
  readonly maxChatChars: number;
  readonly messagesPerSecond: number;
  readonly pingIntervalMs: number;
}
export interface Welcome {
  readonly protocol: number;
  readonly nonce: string;
  readonly audience: string;
  readonly serverTimeMs: number;
  readonly limits: Limits;
  readonly audioSlots: number;
  readonly videoSlots: number;
  readonly packedSdp: boolean;
}
export interface SlotLine {
  readonly slot: number;
  readonly mid: string;
  readonly type: 'audio' | 'video' | null;
}
/** An answer of the media node with the slots it serves. */
export interface MediaAnswer {
  readonly answer: string;
  readonly slots: readonly SlotLine[];
  readonly placement: number;
  /** Relays of the answering node, for networks that let nothing else through; the credential is this transport's own. */
  readonly iceServers: readonly IceServer[];
}
/** What RTCPeerConnection.setConfiguration takes, and until when the credential opens new relays. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
  readonly expiresMs: number;
}
export interface Snapshot {
  readonly generation: number;
  readonly version: number;
  readonly room: string;
  readonly meeting: string;
  readonly title: string;
  readonly roomClass: string;
  readonly locked: boolean;
  readonly e2ee: boolean;
  readonly participants: readonly Participant[];
  readonly waiting: readonly Waiter[];
  readonly chat: readonly ChatMessage[];
  readonly startedAtMs: number;
}
export interface Joined extends MediaAnswer {
  readonly participant: string;
  readonly session: string;
  readonly snapshot: Snapshot;
  readonly ticket: string;
  readonly grants: Grants;
  readonly watermark: string;
}
export interface Resumed extends MediaAnswer {
  readonly participant: string;
  readonly session: string;
  readonly snapshot: Snapshot | null;
  readonly ticket: string;
  readonly grants: Grants | null;
  readonly watermark: string;
}
export interface SlotState {
  readonly slot: number;
  readonly participant: string;
  readonly kind: SourceKind | null;
  readonly sourceId: number;
  readonly paused: PauseReason;
  readonly layer: number;
  readonly syncTimeMs: number;
  readonly syncRtp: number;
}
export type Change =
  | { readonly type: 'joined'; readonly participant: Participant }
  | { readonly type: 'changed'; readonly participant: Participant }
  | { readonly type: 'left'; readonly participant: string; readonly reason: string }
  | { readonly type: 'locked'; readonly locked: boolean }
  | { readonly type: 'waiterAdded'; readonly waiter: Waiter }
  | { readonly type: 'waiterGone'; readonly waiter: string }
  | { readonly type: 'chat'; readonly chat: ChatMessage }
  | { readonly type: 'ended' }
  /** Hidden from this viewer, or of a kind this SDK does not know: only the version counts. */
  | { readonly type: 'hidden' };
export interface RoomEvent {
  readonly generation: number;
  readonly version: number;
  readonly atMs: number;
  readonly by: string;
  readonly change: Change;
}
export interface LayerHint {
  readonly rid: string;
  readonly active: boolean;
  /** How many spatial layers of the encoding anybody watches; 0: all, or it has one. */
  readonly spatial?: number;
}

export type ServerBody =
  | { readonly type: 'welcome'; readonly welcome: Welcome }
  | { readonly type: 'joined'; readonly joined: Joined }
  | { readonly type: 'resumed'; readonly resumed: Resumed }
  | { readonly type: 'waiting'; readonly waiting: WaitingInfo }
  | { readonly type: 'admitted'; readonly token: string; readonly nonce: string }
  | { readonly type: 'ok' }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly retryAfterMs: number; readonly stepUp: FactorAsked | null; readonly nonce: string }
  | { readonly type: 'pong'; readonly serverTimeMs: number }
  | { readonly type: 'bye'; readonly reason: string; readonly byName: string }
  | { readonly type: 'event'; readonly event: RoomEvent }
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly type: 'occupancy'; readonly slots: readonly SlotState[] }
  | { readonly type: 'speakers'; readonly speakers: readonly Speaker[] }
  | { readonly type: 'publishHints'; readonly kind: SourceKind | null; readonly layers: readonly LayerHint[] }
  | { readonly type: 'mediaState'; readonly transport: string; readonly placement: number }
  | { readonly type: 'move'; readonly placement: number; readonly reason: string }
  | { readonly type: 'answer'; readonly answer: MediaAnswer }
  | { readonly type: 'ticket'; readonly ticket: string }
  | { readonly type: 'standing'; readonly standing: Standing; readonly nonce: string; readonly watermark: string }
  /** From a newer server: ignored. */
  | { readonly type: 'unknown' };
export type ServerMessage = ServerBody & { readonly re: number };

type Body = Exclude<Key<wire.ServerMessageJson>, 're'>;
function loudness(level: number): { level: number; volume: number } {
  return { level, volume: (127 - Math.min(127, Math.max(0, level))) / 127 };
}

const readFactor = (s: Fields<wire.StepUpJson>): FactorAsked =>
  ({ acr: s.str('acr') === 'phishing_resistant' ? 'phishing_resistant' : 'mfa', maxAgeMs: s.num('maxAgeMs') });

const readers: { readonly [B in Body]: (value: unknown) => ServerBody } = {
  welcome: (v) => ({ type: 'welcome', welcome: readWelcome(new Fields(v, 'welcome')) }),
  joined: (v) => ({ type: 'joined', joined: readJoined(new Fields(v, 'joined')) }),
  resumed: (v) => ({ type: 'resumed', resumed: readResumed(new Fields(v, 'resumed')) }),
  waiting: (v) => {
    const f = new Fields<wire.WaitingJson>(v, 'waiting');
    return { type: 'waiting', waiting: { waiter: f.str('waiter'), roomTitle: f.str('roomTitle'), hostPresent: f.bool('hostPresent') } };
  },
  admitted: (v) => {
    const f = new Fields<wire.AdmittedJson>(v, 'admitted');
    return { type: 'admitted', token: f.id('token'), nonce: f.id('nonce') };
  },
  ok: () => ({ type: 'ok' }),
  error: (v) => {
    const f = new Fields<wire.ErrorJson>(v, 'error');
    const s = f.child<wire.StepUpJson>('stepUp');
    return {
      type: 'error', code: f.id('code'), message: f.str('message'), retryAfterMs: f.num('retryAfterMs'), stepUp: s ? readFactor(s) : null, nonce: s?.str('nonce') ?? '',
    };
  },
  pong: (v) => ({ type: 'pong', serverTimeMs: new Fields<wire.PongJson>(v, 'pong').num('serverTimeMs') }),
  bye: (v) => {
    const f = new Fields<wire.ByeJson>(v, 'bye');
    return { type: 'bye', reason: f.str('reason'), byName: f.str('byName') };
  },
  event: (v) => ({ type: 'event', event: readEvent(new Fields(v, 'event')) }),
  snapshot: (v) => ({ type: 'snapshot', snapshot: readSnapshot(new Fields(v, 'snapshot')) }),
  occupancy: (v) => ({ type: 'occupancy', slots: new Fields<wire.OccupancyJson>(v, 'occupancy').list('slots', readSlotState) }),
  speakers: (v) => ({
    type: 'speakers',
    speakers: new Fields<wire.SpeakersJson>(v, 'speakers').list('speakers', (s: Fields<wire.SpeakerJson>) =>
      ({ participant: s.id('participant'), ...loudness(s.num('level')) })),
  }),
  publishHints: (v) => {
    const f = new Fields<wire.PublishHintsJson>(v, 'publishHints');
    const layers = f.list('layers', (l: Fields<wire.LayerHintJson>) => ({ rid: l.str('rid'), active: l.bool('active'), spatial: l.num('spatial') }));
    return { type: 'publishHints', kind: f.word('kind', kinds, null), layers };
  },
  mediaState: (v) => {
    const f = new Fields<wire.MediaStateJson>(v, 'mediaState');
    return { type: 'mediaState', transport: f.str('transport'), placement: f.num('placement') };
  },
  move: (v) => {
    const f = new Fields<wire.MoveJson>(v, 'move');
    return { type: 'move', placement: f.num('placement'), reason: f.str('reason') };
  },
  answer: (v) => ({ type: 'answer', answer: readAnswer(new Fields<wire.AnswerJson>(v, 'answer')) }),
  ticket: (v) => ({ type: 'ticket', ticket: new Fields<wire.TicketJson>(v, 'ticket').id('ticket') }),
  standing: (v) => {
    const f = new Fields<wire.StandingJson>(v, 'standing');
    const s = f.child<wire.StepUpJson>('stepUp');
    const reason = f.str('reason');
    const stepUp = s ? {
      ...readFactor(s), deadlineMs: s.num('deadlineMs'), remove: s.bool('remove'), reason,
    } : null;
    return { type: 'standing', nonce: s?.str('nonce') ?? '', watermark: f.str('watermark'), standing: { restrictions: f.strs('restrictions'), reason, stepUp } };
  },
};

/** Throws InCameraError{bad_message} for what cannot be a message; gives `unknown` for what a newer server may say. */
export function decodeServer(text: string): ServerMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('not JSON');
  }
  const envelope = new Fields<wire.ServerMessageJson>(value, 'message');
  const re = envelope.num('re');
  const present = (Object.keys(readers) as Body[]).filter((body) => envelope.has(body));
  if (present.length > 1) throw malformed('more than one body');
  const body = present[0];
  if (body === undefined) return { re, type: 'unknown' };
  return { re, ...readers[body]((value as Record<string, unknown>)[body]) };
}

// ---------------------------------------------------------------- parts

function readWelcome(f: Fields<wire.WelcomeJson>): Welcome {
  const l = f.child<wire.LimitsJson>('limits') ?? new Fields<wire.LimitsJson>({}, 'limits');
  return {
    protocol: f.num('protocol'), nonce: f.id('nonce'), audience: f.id('audience'), serverTimeMs: f.num('serverTimeMs'),
    limits: {
      maxMessageBytes: l.num('maxMessageBytes'), maxChatChars: l.num('maxChatChars'),
      messagesPerSecond: l.num('messagesPerSecond'), pingIntervalMs: l.num('pingIntervalMs'),
    },
    audioSlots: f.num('audioSlots'), videoSlots: f.num('videoSlots'), packedSdp: f.bool('packedSdp'),
  };
}

function readAnswer<T extends wire.AnswerJson>(f: Fields<T>): MediaAnswer {
  const g = f as unknown as Fields<wire.AnswerJson>;
  const slots = g.list('slots', (s: Fields<wire.SlotJson>) =>
    ({ slot: s.num('slot'), mid: s.str('mid'), type: s.word('type', mediaTypes, null) }));
  const iceServers = g.list('iceServers', (v: Fields<wire.IceServerJson>) => ({
    urls: v.strs('urls'), username: v.str('username'), credential: v.str('credential'), expiresMs: v.num('expiresMs'),
  }));
  return { answer: g.str('answer'), slots, placement: g.num('placement'), iceServers };
}

function readJoined(f: Fields<wire.JoinedJson>): Joined {
  const snapshot = f.child<wire.SnapshotJson>('snapshot');
  if (!snapshot) throw malformed('joined.snapshot');
  return {
    ...readAnswer(f), participant: f.id('participant'), session: f.id('session'), snapshot: readSnapshot(snapshot),
    ticket: f.id('ticket'), grants: readGrants(f.child('grants')), watermark: f.str('watermark'),
  };
}

function readResumed(f: Fields<wire.ResumedJson>): Resumed {
  const snapshot = f.child<wire.SnapshotJson>('snapshot');
  const grants = f.child<wire.GrantsJson>('grants');
  return {
    ...readAnswer(f), participant: f.str('participant'), session: f.str('session'), ticket: f.str('ticket'),
    snapshot: snapshot && readSnapshot(snapshot), grants: grants && readGrants(grants), watermark: f.str('watermark'),
  };
}

function readGrants(f: Fields<wire.GrantsJson> | null): Grants {
  if (!f) return { publish: [], chat: false, roster: false, moderate: false, actions: [] };
  return { publish: f.words('publish', kinds), chat: f.bool('chat'), roster: f.bool('roster'), moderate: f.bool('moderate'), actions: f.words('actions', actions) };
}

function readParticipant(f: Fields<wire.ParticipantJson>): Participant {
  const media = f.list('media', (m: Fields<wire.MediaSourceJson>) =>
    ({ kind: m.word('kind', kinds, null), on: m.bool('on'), mutedByHost: m.bool('mutedByHost') }));
  return {
    id: f.id('id'), name: f.str('name'),
    // An unknown role or assurance is shown as the least there is.
    role: f.word('role', roles, 'viewer'), assurance: f.word('assurance', assurances, 'guest'),
    number: f.num('number'), media: media.filter((m): m is MediaSource => m.kind !== null),
    hand: f.bool('hand'), handAtMs: f.num('handAtMs'), joinedAtMs: f.num('joinedAtMs'),
    present: f.bool('present'), hardMuted: f.bool('hardMuted'),
  };
}

const methods: readonly SignInMethod[] = ['guest', 'password_code', 'password_recovery', 'passkey', 'provider', 'portal'];

function readWaiter(f: Fields<wire.WaiterJson>): Waiter {
  return {
    id: f.id('id'), name: f.str('name'), assurance: f.word('assurance', assurances, 'guest'), sinceMs: f.num('sinceMs'),
    organisation: f.str('organisation'), method: methods.find((one) => one === f.str('method')) ?? '', via: f.str('via'),
    network: f.str('network'), country: f.str('country'), address: f.str('address'),
  };
}

function readChat(f: Fields<wire.ChatMessageJson>): ChatMessage {
  return { id: f.str('id'), participant: f.str('participant'), name: f.str('name'), text: f.str('text'), atMs: f.num('atMs') };
}

function readSnapshot(f: Fields<wire.SnapshotJson>): Snapshot {
  return {
    generation: f.num('generation'), version: f.num('version'), room: f.str('room'), meeting: f.str('meeting'),
    title: f.str('title'), roomClass: f.str('roomClass'), locked: f.bool('locked'), e2ee: f.bool('e2ee'),
    participants: f.list('participants', readParticipant), waiting: f.list('waiting', readWaiter),
    chat: f.list('chat', readChat), startedAtMs: f.num('startedAtMs'),
  };
}

function readEvent(f: Fields<wire.EventJson>): RoomEvent {
  return { generation: f.num('generation'), version: f.num('version'), atMs: f.num('atMs'), by: f.str('by'), change: readChange(f) };
}

function readChange(f: Fields<wire.EventJson>): Change {
  const joined = f.child<wire.ParticipantJson>('participantJoined');
  if (joined) return { type: 'joined', participant: readParticipant(joined) };
  const changed = f.child<wire.ParticipantJson>('participantChanged');
  if (changed) return { type: 'changed', participant: readParticipant(changed) };
  const left = f.child<wire.ParticipantLeftJson>('participantLeft');
  if (left) return { type: 'left', participant: left.id('participant'), reason: left.str('reason') };
  if (f.has('locked')) return { type: 'locked', locked: f.bool('locked') };
  const waiter = f.child<wire.WaiterJson>('waiterAdded');
  if (waiter) return { type: 'waiterAdded', waiter: readWaiter(waiter) };
  if (f.has('waiterGone')) return { type: 'waiterGone', waiter: f.str('waiterGone') };
  const chat = f.child<wire.ChatMessageJson>('chat');
  if (chat) return { type: 'chat', chat: readChat(chat) };
  if (f.bool('ended')) return { type: 'ended' };
  return { type: 'hidden' };
}

function readSlotState(f: Fields<wire.SlotStateJson>): SlotState {
  const paused = f.str('paused');
  return {
    slot: f.num('slot'), participant: f.str('participant'), kind: f.word('kind', kinds, null), sourceId: f.num('sourceId'),
    paused: pauses.includes(paused) ? (paused as PauseReason) : 'unknown', layer: f.num('layer'),
    syncTimeMs: f.num('syncTimeMs'), syncRtp: f.num('syncRtp'),
  };
}

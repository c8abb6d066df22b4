// The words of the public surface: what a meeting looks like to a page.

import type { InCameraError } from './errors.js';

/** The four things a person can send. */
export type SourceKind = 'mic' | 'camera' | 'screen' | 'screen_audio';
/** The two that are pictures. */
export type VideoKind = 'camera' | 'screen';
/** What pictures can be encoded with. */
export type VideoCodec = 'vp8' | 'vp9' | 'h264' | 'av1';
export type Role = 'host' | 'cohost' | 'presenter' | 'participant' | 'viewer';
/** How a person proved who they are. */
export type Assurance = 'guest' | 'mfa' | 'phishing_resistant' | 'stream_key';

export interface MediaSource {
  readonly kind: SourceKind;
  readonly on: boolean;
  /** A host muted it. Soft: the person may unmute. Hard (see Participant.hardMuted): only a host can. */
  readonly mutedByHost: boolean;
}

export interface Participant {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly assurance: Assurance;
  /** Small number of the participant in this meeting, rising in order of arrival. */
  readonly number: number;
  readonly media: readonly MediaSource[];
  readonly hand: boolean;
  readonly handAtMs: number;
  readonly joinedAtMs: number;
  /** False while the person's connection is away and the place is kept. */
  readonly present: boolean;
  readonly hardMuted: boolean;
}

/** Somebody at the door; only those who may admit see these. */
export interface Waiter {
  readonly id: string;
  readonly name: string;
  readonly assurance: Assurance;
  readonly sinceMs: number;
  // What the server knows of the person; '' where it knows nothing. None of it is the person's own word.
  /** Groups of the account, or the portal. */
  readonly organisation: string;
  readonly method: SignInMethod | '';
  /** The directory, provider or portal that vouches; '' for this deployment's own accounts. */
  readonly via: string;
  /** Name of a network that the deployment knows; '' for any other. */
  readonly network: string;
  /** ISO 3166-1 code, of networks without a name. */
  readonly country: string;
  /** Only for those who may see addresses. */
  readonly address: string;
}

/** How a waiting person signed in. */
export type SignInMethod = 'guest' | 'password_code' | 'password_recovery' | 'passkey' | 'provider' | 'portal';

export interface ChatMessage {
  readonly id: string;
  readonly participant: string;
  readonly name: string;
  readonly text: string;
  readonly atMs: number;
}

/** The shared state of the meeting. Immutable: every change makes a new object. */
export interface RoomState {
  readonly generation: number;
  readonly version: number;
  readonly room: string;
  readonly meeting: string;
  readonly title: string;
  readonly roomClass: string;
  readonly locked: boolean;
  readonly e2ee: boolean;
  readonly participants: ReadonlyMap<string, Participant>;
  readonly waiting: ReadonlyMap<string, Waiter>;
  readonly chat: readonly ChatMessage[];
  readonly startedAtMs: number;
  readonly ended: boolean;
  /** True while an event is known to be missing; the room is catching up. */
  readonly stale: boolean;
}

/** What this participant may do. The server enforces it; use it to show or hide buttons. */
export interface Grants {
  readonly publish: readonly SourceKind[];
  readonly chat: boolean;
  readonly roster: boolean;
  /** Some power over others; `actions` says which. */
  readonly moderate: boolean;
  readonly actions: readonly Action[];
}

/** Power over others or over the room: a host has it over all, a co-host over those below co-hosts. */
export type Action = 'admit' | 'mute' | 'remove' | 'record' | 'set-role' | 'lock' | 'end';

export interface Speaker {
  readonly participant: string;
  /** Level in -dBov: 0 loudest, 127 silence. */
  readonly level: number;
  /** The same for meters: 0 silence … 1 loudest. */
  readonly volume: number;
}

export type PauseReason = '' | 'off' | 'no_layer' | 'codec' | 'bandwidth' | 'overload' | 'not_granted' | 'unknown';

/** Who is in a receiving slot now. */
export interface SlotView {
  readonly slot: number;
  readonly type: 'audio' | 'video';
  /** Empty: the slot is free. */
  readonly participant: string;
  readonly kind: SourceKind | null;
  /** Why a wished video does not flow; '' when it does. */
  readonly paused: PauseReason;
  /** Which size is shown, simulcast or spatial layer; 0 = smallest. */
  readonly layer: number;
  readonly track: MediaStreamTrack;
}

/**
 * One picture on the page, in CSS pixels; own pictures too. With `element`, the SDK attaches and detaches the picture
 * itself.
 */
export interface Tile {
  /** Empty: filled by speech. */
  readonly participant: string;
  readonly kind: VideoKind;
  readonly width: number;
  readonly height: number;
  readonly element?: HTMLVideoElement;
}

/**
 * What a shared screen is for. detail: text and slides, sharp before smooth. motion: films and demonstrations, smooth
 * before sharp.
 */
export type ScreenMode = 'detail' | 'motion';
export interface ScreenSettings {
  readonly mode: ScreenMode;
  /** Pictures per second at most, 5 to 30. */
  readonly framesPerSecond: number;
}

/** Own devices and switches. */
export interface LocalSource {
  readonly on: boolean;
  /** The track being sent or kept ready; null when there is none. */
  readonly track: MediaStreamTrack | null;
  readonly mutedByHost: boolean;
}
export interface LocalMedia {
  readonly mic: LocalSource;
  readonly camera: LocalSource;
  readonly screen: LocalSource;
  readonly screenAudio: LocalSource;
  /** How a screen is sent, now or when one is shared next. */
  readonly screenSettings: ScreenSettings;
}

export interface Connection {
  /** The WebSocket to the server. */
  readonly signaling: 'connected' | 'reconnecting' | 'closed';
  /** The media transport; `moving` while a second one is being opened. */
  readonly media: 'connecting' | 'connected' | 'moving' | 'lost' | 'closed';
  /** Number of the current reconnection attempt; 0 when connected. */
  readonly attempt: number;
}

export type EndReason =
  | 'left' | 'removed' | 'banned' | 'ended' | 'replaced' | 'expired' | 'revoked' | 'policy' | 'declined'
  | 'unauthorized' | 'unreachable' | 'failed';
export interface Ended {
  readonly reason: EndReason;
  /** Name of the person who caused it, when the server tells. */
  readonly byName: string;
}

/** What a policy asks of a person who sits: a second factor, given anew. */
export interface StepUp {
  readonly acr: 'mfa' | 'phishing_resistant';
  /** How long ago it may have been given; 0: it must be given now. */
  readonly maxAgeMs: number;
  /** Server clock, milliseconds since 1970. */
  readonly deadlineMs: number;
  /** The person is removed at the deadline; else they stay restricted until the factor is given. */
  readonly remove: boolean;
  readonly reason: string;
}

/** What the policy says of this person now. */
export interface Standing {
  /** Rights taken away: listen_only, no_mic, no_camera, no_screen, no_chat, no_moderation. */
  readonly restrictions: readonly string[];
  readonly reason: string;
  readonly stepUp: StepUp | null;
}

/** What a tokenProvider is asked for. */
export interface TokenRequest {
  readonly jkt: string;
  /** Set during the meeting: the second factor the new token's person must have given. */
  readonly acr?: 'mfa' | 'phishing_resistant';
  readonly maxAgeMs?: number;
}

export interface RoomEvents {
  /** The shared state changed (people, roles, lock, chat …). */
  change: RoomState;
  'participant-joined': Participant;
  'participant-left': { readonly participant: Participant; readonly reason: string };
  chat: ChatMessage;
  /** Who is heard now, loudest first. */
  speakers: readonly Speaker[];
  /** Who is in which slot; ask `videoFor` again. */
  slots: readonly SlotView[];
  /** The people at the door. */
  waiting: readonly Waiter[];
  /** Own mic, camera or screen changed, by whatever cause. */
  media: LocalMedia;
  connection: Connection;
  /** The policy took rights away, gave them back, or asks for a second factor. */
  standing: Standing;
  /** The room wants a watermark over all pictures, another one, or none any more (''). */
  watermark: string;
  /** A second factor is wanted inside the meeting. With a tokenProvider the room asks it by itself. */
  stepUpRequired: StepUp;
  /** The meeting is over for this client. The last event. */
  ended: Ended;
  /** Something failed that no returned promise reports. The meeting goes on. */
  error: InCameraError;
}

export interface WaitingInfo {
  readonly waiter: string;
  readonly roomTitle: string;
  /** False: no host is in the meeting yet. */
  readonly hostPresent: boolean;
}

/** What waitInLobby gives and connect takes. */
export interface AdmittedTicket {
  readonly token: string;
}

/**
 * A track, `true`/constraints for the SDK to open one in the background, or false: off at entry. Absent: the preview
 * track that prepare or setTracks was given, if any. From connect on the room owns the tracks: it stops a camera that
 * is switched off, and everything when it ends.
 */
export type MediaChoice = MediaStreamTrack | MediaTrackConstraints | boolean;

export interface ConnectOptions {
  /** A room token made for this Prepared's jkt. Give exactly one of token, tokenProvider, admitted. */
  readonly token?: string;
  /** Asked at connect, and again during the meeting when the policy wants a second factor: `request` says which. */
  readonly tokenProvider?: (jkt: string, request: TokenRequest) => Promise<string>;
  readonly admitted?: AdmittedTicket;
  readonly mic?: MediaChoice;
  readonly camera?: MediaChoice;
  readonly signal?: AbortSignal;
}

export interface LobbyOptions {
  readonly pass: string;
  readonly name: string;
  readonly onWaiting?: (info: WaitingInfo) => void;
  readonly signal?: AbortSignal;
}

export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** How long to wait before the attempt (1, 2, …), or null: give up. */
export interface ReconnectPolicy {
  next(attempt: number): number | null;
}

export interface PrepareOptions {
  /** Address of the InCamera server, e.g. "https://meet.example.org". */
  readonly url: string;
  readonly room: string;
  /**
   * What the camera is encoded with, where the browser can; default 'vp8', which every browser decodes. 'vp9' and 'av1'
   * are sent as spatial layers of one encoding where the browser makes such (Chromium), else as simulcast like the others.
   * Who cannot decode the codec does not see the camera (paused: 'codec').
   */
  readonly codec?: VideoCodec;
  /**
   * 'visit' (default): a key for this visit. 'device': the one that this browser keeps for this origin, so that the server
   * knows the device again; where nothing can be kept, one for the visit. Not for guests: their key is who they are.
   */
  readonly key?: 'visit' | 'device';
  /** Which sending lines to offer; default all. A viewer's page passes {mic: false, camera: false, screen: false}. */
  readonly publish?: { readonly mic?: boolean; readonly camera?: boolean; readonly screen?: boolean };
  /** Preview tracks already open; they can also be given to connect. */
  readonly mic?: MediaStreamTrack;
  readonly camera?: MediaStreamTrack;
  readonly logger?: Logger;
  readonly reconnect?: ReconnectPolicy;
  /** Stop receiving video while the page is hidden; default true. */
  readonly pauseWhenHidden?: boolean;
  /** Called in the task that creates a transceiver, before any media can flow: the place for encoded transforms. */
  readonly attachTransforms?: (transceiver: RTCRtpTransceiver) => void;
}

export interface SentStats {
  readonly kind: SourceKind;
  readonly rid: string;
  readonly codec: string;
  readonly active: boolean;
  readonly bytes: number;
  readonly packets: number;
  readonly framesEncoded: number;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly retransmitted: number;
  readonly limitation: string;
}
export interface ReceivedStats {
  readonly slot: number;
  readonly type: 'audio' | 'video';
  readonly participant: string;
  readonly kind: SourceKind | null;
  readonly codec: string;
  readonly bytes: number;
  readonly packets: number;
  readonly lost: number;
  readonly jitterMs: number;
  readonly jitterBufferMs: number;
  readonly framesDecoded: number;
  readonly framesDropped: number;
  readonly freezes: number;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly audioEnergy: number;
  readonly audioLevel: number;
  readonly concealedSamples: number;
  readonly totalSamples: number;
}
export interface CallStats {
  readonly atMs: number;
  readonly placement: number;
  readonly transport: {
    readonly state: string;
    readonly dtlsCipher: string;
    readonly srtpCipher: string;
    readonly tlsVersion: string;
    readonly rttMs: number | null;
    readonly availableOutgoingKbps: number | null;
    readonly bytesSent: number;
    readonly bytesReceived: number;
    /** Offers this client made since it joined; people coming and going must not raise it. */
    readonly negotiations: number;
  };
  readonly sent: readonly SentStats[];
  readonly received: readonly ReceivedStats[];
}

// A meeting this client is in: the shared state, the verbs, the events.

import { Emitter, Scope, type Unsubscribe } from './emitter.js';
import { InCameraError, type FactorAsked } from './errors.js';
import type { ScreenOptions } from './devices.js';
import type { ClientKey } from './key.js';
import { LocalSources } from './local.js';
import { Media } from './media.js';
import { wireKind, wireRole, type ClientBody, type Joined, type RoomEvent, type ServerMessage } from './protocol.js';
import type { Publisher } from './publish.js';
import { actionsOf } from './rights.js';
import { Session } from './session.js';
import { errorOf, nonceOf, type Socket } from './socket.js';
import { difference, fromSnapshot, reduce } from './state.js';
import type { Transport } from './transport.js';
import type {
  CallStats, ChatMessage, ConnectOptions, Connection, Ended, Grants, LocalMedia, Logger, Participant, ReconnectPolicy, Role, RoomEvents, RoomState,
  ScreenMode, SlotView, SourceKind, Speaker, Standing, Tile, VideoKind, Waiter,
} from './types.js';

/** What prepare hands over. */
export interface RoomParts {
  readonly joined: Joined;
  readonly socket: Socket;
  readonly open: () => Promise<Socket>;
  readonly key: ClientKey;
  readonly transport: Transport;
  readonly make: (pool: { audio: number; video: number }) => Transport;
  readonly publisher: Publisher;
  readonly policy: ReconnectPolicy;
  readonly logger: Logger;
  readonly pauseWhenHidden: boolean;
  readonly tokenProvider?: NonNullable<ConnectOptions['tokenProvider']>;
}

/** How long the page must be hidden before video stops: switching tabs to look something up is no reason. */
const hiddenAfterMs = 3000;

const internals = new WeakMap<Room, LocalSources>();
/** For prepare: the sources of a room it has just made. Not part of the public surface. */
export function localSources(room: Room): LocalSources {
  return internals.get(room) as LocalSources;
}

export class Room {
  /** Own participant id. */
  readonly selfId: string;
  readonly #emitter: Emitter<RoomEvents>;
  readonly #scope = new Scope();
  readonly #session: Session;
  readonly #media: Media;
  readonly #local: LocalSources;
  readonly #publisher: Publisher;
  readonly #logger: Logger;
  #state: RoomState;
  #grants: Grants;
  readonly #key: ClientKey;
  readonly #provider: ConnectOptions['tokenProvider'];
  #standing: Standing = { restrictions: [], reason: '', stepUp: null };
  #watermark: string;
  #speakers: readonly Speaker[] = [];
  #connection: Connection = { signaling: 'connected', media: 'connecting', attempt: 0 };
  /** Reasons told with participantLeft, for the event that the difference of states gives. */
  #leftReasons = new Map<string, string>();

  /** Rooms are made by Prepared.connect. */
  constructor(parts: RoomParts) {
    const { joined, publisher, policy, logger } = parts;
    this.selfId = joined.participant;
    this.#key = parts.key;
    this.#provider = parts.tokenProvider;
    this.#logger = logger;
    this.#publisher = publisher;
    this.#state = fromSnapshot(joined.snapshot);
    this.#grants = joined.grants;
    this.#watermark = joined.watermark;
    this.#emitter = new Emitter((error) => logger.warn('a listener failed', { error: String(error) }));
    this.#local = new LocalSources(publisher, {
      tell: async (kind, on) => void (await this.#session.request({ type: 'setMedia', body: { kind: wireKind[kind], on } })),
      may: (kind) => this.#grants.publish.includes(kind),
      changed: () => {
        this.#media.pool.bind();
        this.#emitter.emit('media', this.media);
      },
      error: (error) => this.#emitter.emit('error', error),
    });
    this.#session = new Session({
      socket: parts.socket, open: parts.open, key: parts.key, ticket: joined.ticket, policy, logger,
      host: {
        version: () => this.#state.version,
        offer: () => this.#media.offerForResume(),
        resumed: (resumed) => {
          if (resumed.grants) this.#grants = resumed.grants;
          this.#mark(resumed.watermark);
          if (resumed.snapshot) this.#apply(fromSnapshot(resumed.snapshot));
          this.#media.resumed(resumed);
          this.#local.reconcile(this.self);
        },
        message: (message) => this.#received(message),
        signaling: (signaling, attempt) => this.#connected({ signaling, attempt }),
        ended: (ended) => this.#end(ended),
        fault: (error) => this.#emitter.emit('error', error),
      },
    });
    this.#media = new Media({
      transport: parts.transport, make: parts.make, publisher, policy, logger,
      own: { id: this.selfId, track: (kind) => this.#local.track(kind) },
      host: {
        request: (body) => this.#session.request(body),
        lost: () => this.#session.reopen('media transport failed'),
        networkChanged: (why) => this.#session.check(why),
        connection: (media) => this.#connected({ media }),
        slotsChanged: () => this.#emitter.emit('slots', this.slots),
        error: (error) => this.#emitter.emit('error', error),
        gaveUp: () => this.#session.close('unreachable'),
      },
    });
    internals.set(this, this.#local);
    if (parts.pauseWhenHidden) this.#followVisibility();
    this.#media.begin(joined).catch((error: unknown) => {
      this.#emitter.emit('error', InCameraError.from(error, 'media_failed'));
      this.#session.close('failed');
    });
    this.#session.start();
  }

  get state(): RoomState {
    return this.#state;
  }
  get self(): Participant | undefined {
    return this.#state.participants.get(this.selfId);
  }
  get participants(): ReadonlyMap<string, Participant> {
    return this.#state.participants;
  }
  get waiting(): readonly Waiter[] {
    return [...this.#state.waiting.values()];
  }
  get chat(): readonly ChatMessage[] {
    return this.#state.chat;
  }
  get grants(): Grants {
    return this.#grants;
  }
  get media(): LocalMedia {
    return this.#local.view();
  }
  get speakers(): readonly Speaker[] {
    return this.#speakers;
  }
  get slots(): readonly SlotView[] {
    return this.#media.pool.views();
  }
  get connection(): Connection {
    return this.#connection;
  }

  /** Subscribes until the result is called or the meeting has ended. */
  on<K extends keyof RoomEvents>(name: K, listener: (value: RoomEvents[K]) => void): Unsubscribe {
    return this.#emitter.on(name, listener);
  }

  // ------------------------------------------------------------ own media

  /** Opens the mic when there is none yet. Rejects with device_*, forbidden … */
  async setMic(on: boolean): Promise<void> {
    await this.#local.set('mic', on);
  }
  async setCamera(on: boolean): Promise<void> {
    await this.#local.set('camera', on);
  }
  /** Uses another device; a source that is on goes on without a break. For loudspeakers see setOutput. */
  async switchDevice(kind: 'mic' | 'camera', deviceId: string): Promise<void> {
    await this.#local.switchDevice(kind, deviceId);
  }
  /** Must be called from a click when on. */
  async shareScreen(on: boolean, options: ScreenOptions = {}): Promise<void> {
    await this.#local.share(on, options);
  }
  /** Sharp text or smooth motion, and how many pictures a second (5 to 30); also while a screen is shared. */
  async setScreenMode(mode: ScreenMode, framesPerSecond?: number): Promise<void> {
    await this.#local.setScreenMode(mode, framesPerSecond);
  }

  // ------------------------------------------------------------ verbs

  async setHand(raised: boolean): Promise<void> {
    await this.#ask({ type: 'setHand', body: { raised } });
  }
  async sendChat(text: string): Promise<void> {
    await this.#ask({ type: 'sendChat', body: { id: crypto.randomUUID(), text } });
  }
  /** Soft by default: the person may unmute. hard: only a host can. allow: lifts a hard mute. */
  async mute(participant: string, kind: SourceKind, { hard = false, allow = false }: { hard?: boolean; allow?: boolean } = {}): Promise<void> {
    await this.#ask({ type: 'muteParticipant', body: { participant, kind: wireKind[kind], hard, allow } });
  }
  async remove(participant: string, { ban = false }: { ban?: boolean } = {}): Promise<void> {
    await this.#ask({ type: 'removeParticipant', body: { participant, ban } });
  }
  async setRole(participant: string, role: Role): Promise<void> {
    await this.#ask({ type: 'setRole', body: { participant, role: wireRole[role] } });
  }
  async setLocked(locked: boolean): Promise<void> {
    await this.#ask({ type: 'setLocked', body: { locked } });
  }
  async admit(waiter: string): Promise<void> {
    await this.#withFactor(() => this.#ask({ type: 'admit', body: { waiter } }));
  }
  async decline(waiter: string, { ban = false }: { ban?: boolean } = {}): Promise<void> {
    await this.#ask({ type: 'decline', body: { waiter, ban } });
  }
  /** Ends the meeting for everybody. */
  async end(): Promise<void> {
    await this.#ask({ type: 'endMeeting', body: {} });
  }
  /** Leaves; the room is closed when it resolves. */
  leave(): Promise<void> {
    return this.#session.leave();
  }

  // ------------------------------------------------------------ pictures and sound

  /** Says which pictures are on the page; 'auto' fills the slots by speech. Cheap to call at every layout. */
  watch(tiles: readonly Tile[] | 'auto'): void {
    if (this.#scope.ended) return;
    this.#media.watch(tiles);
  }
  /** The picture of somebody (own ones included), when there is one now. */
  videoFor(participant: string, kind: VideoKind): MediaStreamTrack | null {
    return this.#media.pool.trackOf(participant, kind);
  }
  /** Plays all sound on this output device ('' = default). Rejects with unsupported in browsers without it. */
  setOutput(deviceId: string): Promise<void> {
    return this.#media.playback.setOutput(deviceId);
  }
  /** After error{playback_blocked}: call from a click. */
  resumePlayback(): Promise<void> {
    return this.#media.playback.resume();
  }
  stats(): Promise<CallStats> {
    return this.#media.stats();
  }

  /** What the policy says of this person now. */
  get standing(): Standing {
    return this.#standing;
  }
  /** What is to be drawn over all pictures: who looks at them, in the server's words; '' where nothing is. See watermark(). */
  get watermark(): string {
    return this.#watermark;
  }
  /** Tells the server that the second factor was given on the deployment's own page. */
  confirmFactor(): Promise<void> {
    return this.#ask({ type: 'confirmFactor', body: {} });
  }

  // ------------------------------------------------------------ inside

  async #ask(body: ClientBody): Promise<void> {
    await this.#session.request(body);
  }

  /** Asks the tokenProvider when a verb is refused for want of a second factor, and runs the verb once more. */
  async #withFactor(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (thrown) {
      const error = InCameraError.from(thrown, 'network');
      if (!error.stepUp || !this.#provider) throw error;
      await this.#confirm(error.stepUp, nonceOf(error));
      await run();
    }
  }

  async #confirm(asked: FactorAsked, nonce: string): Promise<void> {
    const { jkt } = this.#key;
    await this.#session.confirmFactor(await this.#provider!(jkt, { jkt, acr: asked.acr, maxAgeMs: asked.maxAgeMs }), nonce);
  }

  #received(message: ServerMessage): void {
    switch (message.type) {
      case 'event':
        return this.#event(message.event);
      case 'snapshot':
        return this.#apply(fromSnapshot(message.snapshot));
      case 'occupancy':
        return this.#media.occupy(message.slots);
      case 'speakers':
        this.#speakers = message.speakers;
        return this.#emitter.emit('speakers', message.speakers);
      case 'publishHints':
        return message.kind ? this.#publisher.hint(message.kind, message.layers) : undefined;
      case 'mediaState':
        return this.#media.nodeState(message.transport, message.placement);
      case 'move':
        return this.#media.move(message.placement, message.reason);
      case 'standing':
        this.#mark(message.watermark);
        return this.#stand(message.standing, message.nonce);
      case 'error':
        return this.#emitter.emit('error', errorOf(message));
      default:
        return undefined; // replies that came too late, and words of newer servers
    }
  }

  #mark(text: string): void {
    if (text === this.#watermark) return;
    this.#watermark = text;
    this.#emitter.emit('watermark', text);
  }

  #stand(standing: Standing, nonce: string): void {
    const before = this.#standing.stepUp;
    this.#standing = standing;
    this.#emitter.emit('standing', standing);
    const asked = standing.stepUp;
    if (!asked || before?.deadlineMs === asked.deadlineMs && before.acr === asked.acr) return;
    this.#emitter.emit('stepUpRequired', asked);
    if (!this.#provider) return;
    this.#confirm(asked, nonce).catch((error: unknown) => this.#emitter.emit('error', InCameraError.from(error, 'network')));
  }

  #event(event: RoomEvent): void {
    if (event.change.type === 'left') this.#leftReasons.set(event.change.participant, event.change.reason);
    const before = this.#state;
    this.#apply(reduce(before, event));
    this.#leftReasons.clear();
    if (this.#state.stale && !before.stale) this.#session.reopen('an event is missing');
  }

  #apply(after: RoomState): void {
    const before = this.#state;
    if (after === before) return;
    this.#state = after;
    const { joined, left, chat, waiting } = difference(before, after);
    this.#followOwnRole(before.participants.get(this.selfId), this.self);
    this.#local.roster(before.participants.get(this.selfId), this.self);
    this.#emitter.emit('change', after);
    for (const participant of left) {
      this.#emitter.emit('participant-left', { participant, reason: this.#leftReasons.get(participant.id) ?? '' });
    }
    for (const participant of joined) this.#emitter.emit('participant-joined', participant);
    for (const one of chat) this.#emitter.emit('chat', one);
    if (waiting) this.#emitter.emit('waiting', waiting);
  }

  /** A host who is made one, or no longer is one, sees it at once; the server decides in any case. */
  #followOwnRole(before: Participant | undefined, after: Participant | undefined): void {
    if (!before || !after || before.role === after.role) return;
    // A person's own entry lists every source that the role may send, on or off.
    const actions = actionsOf(after.role);
    this.#grants = { ...this.#grants, actions, moderate: actions.length > 0, publish: after.media.map((m) => m.kind) };
  }

  #connected(part: Partial<Connection>): void {
    const now = { ...this.#connection, ...part };
    const { signaling, media, attempt } = this.#connection;
    if (now.signaling === signaling && now.media === media && now.attempt === attempt) return;
    this.#connection = now;
    this.#emitter.emit('connection', now);
  }

  #followVisibility(): void {
    let pending: Unsubscribe | null = null;
    this.#scope.listen(document, 'visibilitychange', () => {
      pending?.();
      pending = null;
      if (document.visibilityState === 'visible') this.#media.setHidden(false);
      // A picture-in-picture window goes on showing somebody while the page is hidden.
      else if (!document.pictureInPictureElement) pending = this.#scope.timeout(() => this.#media.setHidden(true), hiddenAfterMs);
    });
  }

  #end(ended: Ended): void {
    if (this.#scope.ended) return;
    this.#logger.info('ended', { reason: ended.reason });
    this.#scope.end();
    this.#local.close();
    this.#media.close();
    this.#publisher.close();
    this.#connected({ media: 'closed', signaling: 'closed' });
    this.#state = { ...this.#state, ended: true };
    this.#emitter.emit('ended', ended);
    this.#emitter.clear();
  }
}

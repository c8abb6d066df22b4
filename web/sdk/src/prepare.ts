// The way in: everything that can be done before the click is done before the click.

import { Scope } from './emitter.js';
import { InCameraError } from './errors.js';
import { deviceKey } from './devicekey.js';
import { makeKey, type ClientKey } from './key.js';
import type { ClientBody, Joined, ServerMessage } from './protocol.js';
import { Publisher } from './publish.js';
import { backoff } from './reconnect.js';
import { localSources, Room } from './room.js';
import { errorOf, Socket, socketUrl, type Closed } from './socket.js';
import { defaultPool, Transport, type PoolSize } from './transport.js';
import type {
  AdmittedTicket, ConnectOptions, LobbyOptions, Logger, MediaChoice, PrepareOptions, ReconnectPolicy,
} from './types.js';

export interface Prepared {
  /** Thumbprint (RFC 7638) of this client's key; tokens and lobby passes are bound to it. */
  readonly jkt: Promise<string>;
  readonly state: 'connecting' | 'ready' | 'closed';
  /** Resolves when the socket is open and the offer is made; connect need not wait for it. */
  readonly ready: Promise<void>;
  /** Enters the meeting. After a rejection it may be called again with a new token. */
  connect(options: ConnectOptions): Promise<Room>;
  /** Waits at the door; resolves when a host admits, then connect({admitted}). Rejects with declined, aborted … */
  waitInLobby(options: LobbyOptions): Promise<AdmittedTicket>;
  /** Preview tracks to send from the first moment; may be called until connect. */
  setTracks(tracks: { mic?: MediaStreamTrack | null; camera?: MediaStreamTrack | null }): Promise<void>;
  /** Frees everything; not needed after a successful connect. Tracks given by the caller are not stopped. */
  close(): void;
}

export const sdkVersion = '0.1.0';
const silent: Logger = { debug() {}, info() {}, warn() {} };

/** Opens the socket, makes the key and the offer. Never throws: problems reject `ready` and connect. */
export function prepare(options: PrepareOptions): Prepared {
  return new Preparation(options);
}

class Preparation implements Prepared {
  readonly jkt: Promise<string>;
  readonly ready: Promise<void>;
  readonly #options: PrepareOptions;
  readonly #logger: Logger;
  readonly #policy: ReconnectPolicy;
  readonly #key: Promise<ClientKey>;
  readonly #publisher: Publisher;
  readonly #abort = new AbortController();
  #socket: Promise<Socket>;
  #transport: Promise<Transport>;
  #state: Prepared['state'] = 'connecting';
  #busy = false;

  constructor(options: PrepareOptions) {
    this.#options = options;
    this.#key = options.key === 'device' ? deviceKey() : makeKey();
    this.#key.catch(() => {}); // no WebCrypto: it waits for whoever asks
    this.#logger = options.logger ?? silent;
    this.#policy = options.reconnect ?? backoff();
    const { mic = true, camera = true, screen = true } = options.publish ?? {};
    this.#publisher = new Publisher({ mic, camera, screen, codec: options.codec ?? 'vp8' }, this.#logger);
    this.jkt = this.#key.then((key) => key.jkt);
    this.#socket = this.#open();
    this.#transport = this.#offerOn(defaultPool);
    this.ready = Promise.all([this.#socket, this.#transport, this.#key]).then(() => {
      if (this.#state === 'connecting') this.#state = 'ready';
    });
    // Whoever waits for them hears of it; nobody has to.
    for (const promise of [this.jkt, this.ready, this.#socket, this.#transport]) promise.catch(() => {});
    void this.setTracks({ ...(options.mic && { mic: options.mic }), ...(options.camera && { camera: options.camera }) }).catch(() => {});
  }

  get state(): Prepared['state'] {
    return this.#state;
  }

  async setTracks(tracks: { mic?: MediaStreamTrack | null; camera?: MediaStreamTrack | null }): Promise<void> {
    this.#check();
    for (const kind of ['mic', 'camera'] as const) {
      const track = tracks[kind];
      if (track !== undefined) await this.#publisher.setTrack(kind, track);
    }
  }

  async connect(options: ConnectOptions): Promise<Room> {
    return this.#exclusively(async () => {
      const given = [options.token, options.tokenProvider, options.admitted].filter((x) => x !== undefined);
      if (given.length !== 1) throw new InCameraError('bad_argument', 'give one of token, tokenProvider and admitted');
      const mic = choose(options.mic ?? this.#publisher.track('mic') ?? false);
      const camera = choose(options.camera ?? this.#publisher.track('camera') ?? false);
      // Tracks of the preview that are not wanted any more must not be sent.
      await Promise.all([this.#publisher.setTrack('mic', mic.track), this.#publisher.setTrack('camera', camera.track)]);
      const media = { mic: mic.track !== null, camera: camera.track !== null };
      const [token, socket, key] = await Promise.all([this.#token(options), this.#living(), this.#key]);
      const transport = await this.#fitting(socket);
      const offer = await transport.offer();
      const proof = await key.prove({ nonce: socket.nonce, audience: socket.welcome.audience, token, nowMs: socket.serverNow() });
      const joined = await this.#join(socket, { type: 'join', body: { token, proof, offer, media } }, options.signal);
      const room = this.#enter(joined, socket, transport, key, options.tokenProvider);
      const local = localSources(room);
      if (mic.track) local.adopt('mic', mic.track);
      if (camera.track) local.adopt('camera', camera.track);
      this.#openLater(room, 'mic', mic);
      this.#openLater(room, 'camera', camera);
      // The page draws its meeting as soon as it has the room. The browser takes the answer in first: media waits for it,
      // and both at once are slower than one after the other.
      await transport.answered;
      return room;
    });
  }

  async waitInLobby(options: LobbyOptions): Promise<AdmittedTicket> {
    return this.#exclusively(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#wait(options, () => (attempt = 0));
        } catch (thrown) {
          const error = InCameraError.from(thrown, 'network');
          if (!['network', 'timeout', 'state_unavailable'].includes(error.code)) throw error;
          const wait = this.#policy.next(attempt);
          if (wait === null) throw error;
          await this.#pause(Math.max(wait, error.retryAfterMs ?? 0), options.signal);
        }
      }
    });
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#finish();
    this.#abort.abort();
    this.#publisher.close();
    void this.#socket.then((socket) => socket.close(), () => {});
    void this.#transport.then((transport) => transport.close(), () => {});
  }

  // ------------------------------------------------------------ parts

  #check(): void {
    if (this.#state === 'closed') throw new InCameraError('closed', 'closed, or used by a room already');
  }

  async #exclusively<T>(body: () => Promise<T>): Promise<T> {
    this.#check();
    if (this.#busy) throw new InCameraError('bad_argument', 'connect or waitInLobby is under way');
    this.#busy = true;
    try {
      return await body();
    } finally {
      this.#busy = false;
    }
  }

  async #open(): Promise<Socket> {
    return Socket.open({
      url: socketUrl(this.#options.url), client: `incamera-sdk/${sdkVersion}`, logger: this.#logger, signal: this.#abort.signal,
    });
  }

  /** The socket; a new one when the first has died while somebody looked at the preview. */
  async #living(): Promise<Socket> {
    const socket = await this.#socket.catch(() => null);
    if (socket?.open) return socket;
    this.#check();
    this.#socket = this.#open();
    this.#socket.catch(() => {});
    return this.#socket;
  }

  async #offerOn(pool: PoolSize): Promise<Transport> {
    const transport = this.#make(pool);
    await Promise.all([transport.offer(), this.#publisher.attach(transport.senders)]);
    return transport;
  }

  #make(pool: PoolSize): Transport {
    return new Transport({
      plan: this.#publisher.plan, pool, logger: this.#logger, attachTransforms: this.#options.attachTransforms ?? (() => {}),
      opaque: this.#options.attachTransforms !== undefined,
    });
  }

  /** The transport with the pool that this server wants; offers are made before the server has said it. */
  async #fitting(socket: Socket): Promise<Transport> {
    const { audioSlots, videoSlots } = socket.welcome;
    const wanted: PoolSize = { audio: audioSlots || defaultPool.audio, video: videoSlots || defaultPool.video };
    const transport = await this.#transport.catch(() => null);
    if (transport && transport.pool.audio === wanted.audio && transport.pool.video === wanted.video) return transport;
    if (transport) {
      this.#publisher.detach(transport.senders);
      transport.close();
    }
    this.#transport = this.#offerOn(wanted);
    this.#transport.catch(() => {});
    return this.#transport;
  }

  async #token(options: ConnectOptions): Promise<string> {
    if (options.admitted) return options.admitted.token;
    return options.token ?? (await options.tokenProvider?.(await this.jkt, { jkt: await this.jkt })) ?? '';
  }

  async #join(socket: Socket, body: ClientBody, signal: AbortSignal | undefined): Promise<Joined> {
    const stop = new Scope();
    try {
      const aborted = new Promise<never>((_, reject) => {
        const refuse = () => reject(new InCameraError('aborted', 'aborted'));
        if (signal?.aborted) refuse();
        else if (signal) stop.listen(signal, 'abort', refuse);
      });
      const reply: ServerMessage = await Promise.race([socket.request(body), aborted]);
      this.#check();
      if (reply.type !== 'joined') throw new InCameraError('bad_message', `join answered with ${reply.type}`);
      return reply.joined;
    } catch (error) {
      socket.close(); // its nonce is spent; the next try opens another
      throw error;
    } finally {
      stop.end();
    }
  }

  #enter(joined: Joined, socket: Socket, transport: Transport, key: ClientKey, provider: ConnectOptions['tokenProvider']): Room {
    this.#finish();
    const url = socketUrl(this.#options.url);
    return new Room({
      joined, socket, transport, key, publisher: this.#publisher, policy: this.#policy, logger: this.#logger,
      open: () => Socket.open({ url, client: `incamera-sdk/${sdkVersion}`, logger: this.#logger }),
      make: (pool) => this.#make(pool),
      pauseWhenHidden: this.#options.pauseWhenHidden ?? true,
      ...(provider && { tokenProvider: provider }),
    });
  }

  #openLater(room: Room, kind: 'mic' | 'camera', choice: Choice): void {
    if (choice.constraints) localSources(room).constrain(kind, choice.constraints);
    if (!choice.later) return;
    localSources(room).set(kind, true).catch((error: unknown) => localSources(room).report(InCameraError.from(error, 'device_missing')));
  }

  #wait(options: LobbyOptions, waited: () => void): Promise<AdmittedTicket> {
    return new Promise((resolve, reject) => {
      const stop = new Scope();
      const settle = (act: () => void, socket?: Socket) => {
        stop.end();
        socket?.detach();
        act();
      };
      const run = async () => {
        const [socket, key] = await Promise.all([this.#living(), this.#key]);
        const refuse = (code: string, message: string) => settle(() => reject(new InCameraError(code, message)), socket);
        const leave = () => {
          refuse('aborted', 'aborted');
          socket.close();
        };
        if (options.signal?.aborted || this.#state === 'closed') return leave();
        if (options.signal) stop.listen(options.signal, 'abort', leave);
        stop.listen(this.#abort.signal, 'abort', leave);
        const hear = (message: ServerMessage) => {
          if (message.type === 'waiting') {
            waited();
            options.onWaiting?.(message.waiting);
          } else if (message.type === 'admitted') {
            settle(() => resolve({ token: message.token }), socket);
          } else if (message.type === 'error') {
            settle(() => reject(errorOf(message)), socket); // admitted, but the token could not be made: ask again
            socket.close();
          }
        };
        socket.attach({
          message: hear,
          closed: (closed) => refuse(...lobbyEnd(closed)),
          fault: (error) => this.#logger.warn('lobby', { error: String(error) }),
        });
        const proof = await key.prove({ nonce: socket.nonce, audience: socket.welcome.audience, token: options.pass, nowMs: socket.serverNow() });
        hear(await socket.request({ type: 'enterLobby', body: { pass: options.pass, proof, name: options.name } }));
        return undefined;
      };
      run().catch((error: unknown) => {
        settle(() => reject(InCameraError.from(error, 'network')));
        void this.#socket.then((socket) => socket.close(), () => {});
      });
    });
  }

  #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = new Scope();
      const refuse = () => {
        stop.end();
        reject(new InCameraError('aborted', 'aborted'));
      };
      if (signal?.aborted || this.#abort.signal.aborted) return refuse();
      if (signal) stop.listen(signal, 'abort', refuse);
      stop.listen(this.#abort.signal, 'abort', refuse);
      stop.timeout(() => (stop.end(), resolve()), ms);
      return undefined;
    });
  }

  #finish(): void {
    this.#state = 'closed';
  }
}

function lobbyEnd(closed: Closed): [code: string, message: string] {
  const reason = closed.bye?.reason ?? '';
  if (reason === 'draining') return ['network', 'the server is restarting'];
  if (reason !== '') return [reason, `the server said ${reason}`];
  if (closed.code === 4401) return ['unauthorized', 'not allowed to wait here'];
  if (closed.code === 4410) return ['ended', 'the meeting is over'];
  return ['network', 'the connection broke'];
}

interface Choice {
  readonly track: MediaStreamTrack | null;
  readonly constraints: MediaTrackConstraints | null;
  readonly later: boolean;
}

function choose(choice: MediaChoice): Choice {
  if (choice === false) return { track: null, constraints: null, later: false };
  if (choice === true) return { track: null, constraints: null, later: true };
  if (typeof MediaStreamTrack !== 'undefined' && choice instanceof MediaStreamTrack) return { track: choice, constraints: null, later: false };
  return { track: null, constraints: choice as MediaTrackConstraints, later: true };
}

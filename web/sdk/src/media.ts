// The media of a seat: the transport that plays, the one being moved to, and what hangs on them.

import { InCameraError } from './errors.js';
import { Listening } from './listening.js';
import { Playback } from './playback.js';
import type { ClientBody, MediaAnswer, ServerMessage, SlotState } from './protocol.js';
import type { Publisher } from './publish.js';
import { Queue } from './queue.js';
import { SlotPool, type Own } from './slots.js';
import { NetworkWatch } from './network.js';
import { callStats } from './stats.js';
import { Scope } from './emitter.js';
import type { Transport, TransportState } from './transport.js';
import type { CallStats, Connection, Logger, ReconnectPolicy, Tile } from './types.js';

export interface MediaHost {
  request(body: ClientBody): Promise<ServerMessage>;
  /** The transport is dead and no move came: the session must resume with a new offer. */
  lost(): void;
  connection(state: Connection['media']): void;
  slotsChanged(): void;
  error(error: InCameraError): void;
  /** The network has changed, perhaps: the socket may be dead too. */
  networkChanged(why: string): void;
  /** Media could not be brought back. */
  gaveUp(): void;
}

export interface MediaOptions {
  readonly transport: Transport;
  readonly make: (pool: { audio: number; video: number }) => Transport;
  readonly publisher: Publisher;
  readonly own: Own;
  readonly policy: ReconnectPolicy;
  readonly host: MediaHost;
  readonly logger: Logger;
}

/** After a transport failed, a Move of the server is the better way back; it gets this long. */
const moveGraceMs = 1500;
const closedGraceMs = 300;
/** A lost transport restarts ICE this often; signs of one change of the network come in bursts. */
const restartEveryMs = 3000;
const burstMs = 1000;
/** A transport that has not connected directly by then tries the node's relays too. */
const relayAfterMs = 1200;
/** Layouts come in bursts (resizing, people arriving together); wishes go out at most this often. */
const wishesEveryMs = 60;

export class Media {
  readonly pool: SlotPool;
  readonly playback: Playback;
  readonly #options: MediaOptions;
  readonly #listening: Listening;
  readonly #queue = new Queue('media');
  readonly #scope = new Scope();
  #current: Transport;
  #next: Transport | null = null;
  /** A new transport whose offer is in a Resume under way. */
  #offered: Transport | null = null;
  #negotiations = 1;
  #failures = 0;
  #recovering = false;
  #growth = true;
  readonly #network: NetworkWatch;
  #restarting = false;
  /** The session was away: the transport needs new ICE names as soon as it is back. */
  #restartDue = '';
  #restartedAt = -Infinity;
  #hidden = false;
  #wishesDue: (() => void) | null = null;
  #wishesSent = '';
  #wishesSentAt = -wishesEveryMs;

  constructor(options: MediaOptions) {
    this.#options = options;
    this.#current = options.transport;
    this.pool = new SlotPool(options.transport, options.own);
    this.playback = new Playback((error) => options.host.error(error));
    this.#listening = new Listening((kind) => this.#current.slots(kind).flatMap((slot) => this.#current.receiver(slot) ?? []));
    this.#network = new NetworkWatch({ host: {
      received: async () => {
        const { received, uplink } = await this.#current.traffic();
        options.publisher.uplink(uplink);
        return received;
      },
      changed: (why) => this.#networkChanged(why),
    } });
  }

  get placement(): number {
    return this.#current.placement;
  }

  /** The first answer. */
  begin(answer: MediaAnswer): Promise<void> {
    return this.#queue.run('answer', async () => {
      this.#hear(this.#current);
      await this.#current.answer(answer);
      this.#adopt(this.#current);
      this.#relayIfNeeded(this.#current);
    });
  }

  /** '' when the transport lives; else the offer of a new one. */
  offerForResume(): Promise<string> {
    return this.#queue.run('offer for resume', async () => {
      const alive = this.#next ?? this.#current;
      if (alive.state !== 'failed' && alive.state !== 'closed') return '';
      this.#drop(this.#next);
      this.#next = null;
      this.#offered ??= this.#options.make(this.#current.pool);
      const offer = await this.#offered.offer();
      this.#negotiations++;
      this.pool.expectMove();
      return offer;
    });
  }

  resumed(answer: MediaAnswer): void {
    this.#wishesSent = '';
    this.#recovering = false;
    void this.#run('resume', async () => {
      const offered = this.#offered;
      this.#offered = null;
      if (offered && answer.answer !== '') {
        await this.#options.publisher.attach(offered.senders);
        this.#next = offered;
        this.#hear(offered);
        try {
          await offered.answer(answer);
          this.#relayIfNeeded(offered);
        } catch (error) {
          offered.fail(); // which tries again, by the policy
          throw error;
        }
        // The old one is dead: no reason to wait for the new one to connect.
        if (this.#next === offered) this.#takeOver(offered);
      } else {
        this.#drop(offered);
        this.#sendWishes();
      }
      if (this.#restartDue !== '' || this.#current.state === 'lost') this.#restart(this.#restartDue || 'lost');
    });
  }

  move(placement: number, reason: string): void {
    void this.#run('move', async () => {
      if (placement <= this.#current.placement || placement <= (this.#next?.placement ?? 0)) return;
      const { publisher, host, logger, make } = this.#options;
      logger.info('moving', { placement, reason });
      this.#drop(this.#next);
      const next = make(this.#current.pool);
      this.#next = next;
      this.#report();
      try {
        await publisher.attach(next.senders, reason !== 'node_lost');
        const offer = await next.offer();
        this.#negotiations++;
        this.pool.expectMove();
        const reply = await host.request({ type: 'moveOffer', body: { placement: String(placement), offer } });
        if (reply.type !== 'answer') throw new InCameraError('bad_message', `moveOffer answered with ${reply.type}`);
        this.#hear(next);
        await next.answer({ ...reply.answer, placement: reply.answer.placement || placement });
        this.#relayIfNeeded(next);
      } catch (error) {
        this.#drop(next);
        if (this.#next === next) this.#next = null;
        if (reason === 'node_lost') this.#current.fail(); // the browser would notice much later
        else if (this.#current.state === 'failed') this.#recover();
        this.#report();
        throw error;
      }
    });
  }

  /** The node's own view. A transport it has closed cannot come back. */
  nodeState(transport: string, placement: number): void {
    const it = [this.#current, this.#next].find((t) => t?.placement === placement);
    // A moment later, since the news that the person was removed may be on its way.
    if (it && transport === 'closed') this.#scope.timeout(() => it.fail(), closedGraceMs);
  }

  occupy(states: readonly SlotState[]): void {
    this.pool.occupy(states);
    this.#playSound();
    this.#options.host.slotsChanged();
  }

  watch(tiles: readonly Tile[] | 'auto'): void {
    this.pool.watch(tiles);
    if (this.#growth && this.pool.wanted() > this.#current.pool.video && !this.#next) this.#grow();
    this.#sendWishesSoon();
  }

  /** Nobody looks at a hidden page. */
  setHidden(hidden: boolean): void {
    if (this.#hidden === hidden) return;
    this.#hidden = hidden;
    this.#sendWishesSoon();
  }

  stats(): Promise<CallStats> {
    return callStats(this.#current, this.pool, this.#negotiations);
  }

  close(): void {
    this.#queue.close();
    this.#scope.end();
    this.#network.close();
    this.pool.close();
    this.playback.close();
    this.#listening.close();
    for (const transport of [this.#current, this.#next, this.#offered]) transport?.close();
    this.#next = this.#offered = null;
  }

  // ------------------------------------------------------------ transports

  #hear(transport: Transport): void {
    transport.onState = (state) => this.#stateChanged(transport, state);
    if (transport.state !== 'connecting') this.#stateChanged(transport, transport.state);
  }

  #stateChanged(transport: Transport, state: TransportState): void {
    if (this.#scope.ended) return;
    if (transport === this.#next && state === 'connected') this.#takeOver(transport);
    else if (transport === this.#next && state === 'failed') {
      this.#drop(transport);
      this.#next = null;
    }
    if (transport === this.#current && state === 'connected') {
      this.#failures = 0;
      this.#playSound();
    }
    if (this.#current.state === 'failed' && !this.#next) this.#recover();
    if (transport === this.#current && state === 'lost') this.#networkChanged('lost');
    this.#report();
  }

  /** Another network: new ICE names at once, since browsers alone would take seconds to notice, and do not always mend it. */
  #networkChanged(why: string): void {
    if (performance.now() - this.#restartedAt < burstMs) return;
    this.#options.host.networkChanged(why);
    this.#restart(why);
  }

  #restart(why: string): void {
    if (!this.#next) this.#restartOf(this.#current, why); // what is being replaced needs no new names
  }

  #restartOf(transport: Transport, why: string): void {
    if (this.#restarting || this.#scope.ended || transport.state === 'failed' || transport.state === 'closed') return;
    this.#restarting = true;
    this.#restartDue = '';
    this.#restartedAt = performance.now();
    this.#options.logger.info('ICE restarts', { why });
    void this.#queue.run('restart', () => transport.restart((offer) => this.#exchange(offer))).catch((error: unknown) => {
      this.#options.logger.info('ICE restart failed', { error: String(error) });
      this.#restartDue = why; // the socket was dead too; or the server refused, and the next resume tries again
    }).finally(() => {
      this.#restarting = false;
      if (transport === this.#current && transport.state === 'lost') {
        this.#scope.timeout(() => { if (transport === this.#current && transport.state === 'lost') this.#restart('still lost'); }, restartEveryMs);
      }
    });
  }

  async #exchange(offer: string): Promise<MediaAnswer> {
    this.#negotiations++;
    const reply = await this.#options.host.request({ type: 'renegotiate', body: { offer } });
    if (reply.type !== 'answer') throw new InCameraError('bad_message', `renegotiate answered with ${reply.type}`);
    return reply.answer;
  }

  /** From here on the new transport is the one that is played: the highest placement this client was given. */
  #takeOver(next: Transport): void {
    const old = this.#current;
    this.#next = null;
    this.#adopt(next);
    this.#drop(old);
    this.#options.publisher.thicken(next.senders);
    this.#wishesSent = '';
    this.#sendWishes();
    this.#report();
  }

  /** Where UDP is blocked, checks mostly run into nothing: no refusal comes that one could wait for. */
  #relayIfNeeded(transport: Transport): void {
    const relay = () => {
      if (!transport.wantsRelays || (transport !== this.#current && transport !== this.#next)) return;
      this.#options.logger.info('not connected yet: trying relays', {});
      this.#restartOf(transport, 'relays');
    };
    if (transport.blocked) relay();
    else this.#scope.timeout(relay, relayAfterMs);
  }

  #adopt(transport: Transport): void {
    this.#current = transport;
    this.pool.use(transport);
    this.#playSound();
    this.#options.host.slotsChanged();
    this.#sendWishesSoon();
  }

  #drop(transport: Transport | null): void {
    if (!transport) return;
    this.#options.publisher.detach(transport.senders);
    transport.close();
  }

  #recover(): void {
    if (this.#recovering || this.#scope.ended) return;
    this.#recovering = true;
    const { policy, host, logger } = this.#options;
    const wait = policy.next(++this.#failures);
    if (wait === null) return host.gaveUp();
    logger.info('media transport failed', { failures: this.#failures });
    this.#scope.timeout(() => {
      this.#recovering = false;
      if (this.#current.state === 'failed' && !this.#next) {
        this.#recovering = true;
        host.lost();
      }
    }, Math.max(moveGraceMs, wait));
    return undefined;
  }

  #report(): void {
    const { state } = this.#current;
    this.#options.host.connection(this.#next ? 'moving' : state === 'failed' ? 'lost' : state);
  }

  #playSound(): void {
    const tracks = new Map<number, MediaStreamTrack>();
    for (const slot of this.#current.slots('audio')) {
      const track = this.#current.track(slot);
      if (track) tracks.set(slot, track);
    }
    this.playback.play(tracks);
  }

  // ------------------------------------------------------------ wishes

  #grow(): void {
    this.#growth = false; // one negotiation at a time, and none after a refusal
    void this.#run('grow', async () => {
      await this.#current.grow(this.pool.wanted(), (offer) => this.#exchange(offer));
      this.#growth = true;
      this.#adopt(this.#current);
    });
  }

  #sendWishesSoon(): void {
    if (this.#wishesDue) return;
    // The first of a burst goes at once: a join waits for its picture.
    const wait = this.#wishesSentAt + wishesEveryMs - performance.now();
    this.#wishesDue = this.#scope.timeout(() => this.#sendWishes(), Math.max(0, wait));
  }

  #sendWishes(): void {
    this.#wishesDue?.();
    this.#wishesDue = null;
    const wishes = this.pool.wishes(this.#hidden);
    const text = JSON.stringify(wishes);
    if (wishes.length === 0 || text === this.#wishesSent || this.#scope.ended) return;
    this.#wishesSent = text;
    this.#wishesSentAt = performance.now();
    this.#options.host.request({ type: 'setWishes', body: { wishes } }).catch((thrown: unknown) => {
      if (this.#wishesSent === text) this.#wishesSent = '';
      const error = InCameraError.from(thrown, 'network');
      if (error.code === 'rate_limited') this.#scope.timeout(() => this.#sendWishes(), error.retryAfterMs ?? 1000);
      else if (!['network', 'closed', 'timeout'].includes(error.code)) this.#options.host.error(error);
    });
  }

  #run(task: string, body: () => Promise<void>): Promise<void> {
    return this.#queue.run(task, body).catch((error: unknown) => {
      if (this.#scope.ended) return;
      this.#options.logger.warn('media task failed', { task, error: String(error) });
      this.#options.host.error(InCameraError.from(error, 'media_failed'));
    });
  }
}

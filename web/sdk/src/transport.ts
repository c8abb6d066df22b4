// One PeerConnection: the sending lines, the pool of receiving lines, one offer and one answer.

import { firstAddress, hasNoAddress } from './addresses.js';
import { cleanOffer, preferCodecs, trimExtensions } from './codecs.js';
import { Scope } from './emitter.js';
import { InCameraError } from './errors.js';
import { unpackSdp } from './pack.js';
import type { IceServer, MediaAnswer } from './protocol.js';
import { addSendLines, type AttachTransforms, type PublishPlan, type Senders } from './publish.js';
import type { Uplink } from './thrift.js';
import type { Logger } from './types.js';

export type TransportState = 'connecting' | 'connected' | 'lost' | 'failed' | 'closed';

export interface PoolSize {
  readonly audio: number;
  readonly video: number;
}
export const defaultPool: PoolSize = { audio: 3, video: 9 };

export interface TransportOptions {
  readonly plan: PublishPlan;
  readonly pool: PoolSize;
  readonly attachTransforms: AttachTransforms;
  /** The transforms make frames that only the people in the room can read. */
  readonly opaque?: boolean;
  readonly logger: Logger;
}

/** What goes over a transport, as its statistics tell. */
export interface Traffic {
  readonly received: number | null;
  readonly uplink: Uplink;
}

interface TrafficReport {
  readonly type: string;
  readonly kind?: string;
  readonly packetsReceived?: number;
  readonly bytesReceived?: number;
  readonly availableOutgoingBitrate?: number;
  readonly packetsSent?: number;
  readonly retransmittedPacketsSent?: number;
  readonly fractionLost?: number;
  readonly roundTripTime?: number;
}

/** How long an answered transport may take to connect before it counts as failed. */
const connectTimeoutMs = 20_000;

export class Transport {
  readonly senders: Senders;
  /** Placement epoch of the answer; 0 before it. */
  placement = 0;
  /** Offers made on this connection. */
  offers = 0;
  onState: (state: TransportState) => void = () => {};

  readonly #pc: RTCPeerConnection;
  readonly #options: TransportOptions;
  readonly #scope = new Scope();
  readonly #lines: RTCRtpTransceiver[] = [];
  readonly #pool: { audio: number; video: number };
  #slots = new Map<number, RTCRtpTransceiver>();
  #state: TransportState = 'connecting';
  #deadline: (() => void) | null = null;
  #answered: () => void = () => {};
  #sdp: string | null = null;
  #relays: readonly IceServer[] = [];
  #triedRelays = false;
  #blocked = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#pool = { ...options.pool };
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require', iceServers: [] });
    this.#pc = pc;
    this.#scope.listen(pc, 'connectionstatechange', () => this.#connectionChanged());
    this.senders = addSendLines(pc, options.plan, options.attachTransforms, options.opaque);
    this.#addSlots('audio', options.pool.audio);
    this.#addSlots('video', options.pool.video);
  }

  get state(): TransportState {
    return this.#state;
  }

  get pool(): PoolSize {
    return { ...this.#pool };
  }

  /** The offer; made once, given again until it is answered. */
  async offer(): Promise<string> {
    if (this.#sdp !== null) return this.#sdp;
    try {
      return (this.#sdp = await this.#makeOffer());
    } catch (error) {
      throw InCameraError.from(error, 'media_failed');
    }
  }

  /** Resolves when the first answer was applied, or could not be. */
  readonly answered = new Promise<void>((resolve) => (this.#answered = resolve));

  async answer(answer: MediaAnswer): Promise<void> {
    try {
      await this.#apply(answer);
      this.placement = answer.placement;
      if (this.#state === 'connecting') {
        this.#deadline = this.#scope.timeout(() => this.#become('failed'), connectTimeoutMs);
      }
    } catch (error) {
      throw InCameraError.from(error, 'media_failed');
    } finally {
      this.#answered();
    }
  }

  /** More receiving video lines, in one negotiation; `exchange` carries the offer to the server. */
  async grow(video: number, exchange: (offer: string) => Promise<MediaAnswer>): Promise<void> {
    const more = video - this.#pool.video;
    if (more <= 0 || this.#state === 'closed') return;
    this.#addSlots('video', more);
    this.#pool.video = video;
    await this.#negotiate(exchange);
  }

  /** The node gave relays of its own with the last answer, for networks that let nothing else through. */
  get hasRelays(): boolean {
    return this.#relays.length > 0;
  }

  /** Relays may help, and were not tried yet. */
  get wantsRelays(): boolean {
    return this.#state === 'connecting' && this.hasRelays && !this.#triedRelays;
  }

  /** The browser has no address of its own to try: it waits for relays, and the first answer was not applied. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /**
   * New ICE names and addresses for the living connection; the node's relays are tried beside the direct ways. What flows
   * goes on over the old ones as long as they carry.
   */
  async restart(exchange: (offer: string) => Promise<MediaAnswer>): Promise<void> {
    if (this.#state === 'closed' || this.#state === 'failed') return;
    if (this.hasRelays) {
      const iceServers = this.#relays.map(({ urls, username, credential }) => ({ urls: [...urls], username, credential }));
      this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
      this.#triedRelays = true;
    }
    await this.#negotiate(exchange, { iceRestart: true });
  }

  /** Packets that have come so far, whatever they carried, null before the first; and how the way out does. */
  async traffic(): Promise<Traffic> {
    let received: number | null = null;
    let exact = false;
    const uplink: { -readonly [K in keyof Uplink]: Uplink[K] } = { bitsPerSecond: null, lost: null, roundTripMs: null, sent: 0, again: 0 };
    if (this.#state === 'closed' || this.#state === 'connecting') return { received, uplink };
    for (const s of (await this.#pc.getStats()).values() as Iterable<TrafficReport>) {
      switch (s.type) {
        case 'transport': // Chromium counts packets of the transport, Firefox bytes of each pair
          if (s.packetsReceived === undefined) break;
          received = s.packetsReceived;
          exact = true;
          break;
        case 'candidate-pair':
          if (!exact) received = (received ?? 0) + (s.packetsReceived ?? s.bytesReceived ?? 0);
          uplink.bitsPerSecond = Math.max(uplink.bitsPerSecond ?? 0, s.availableOutgoingBitrate ?? 0) || null;
          break;
        case 'outbound-rtp':
          if (s.kind !== 'audio') break;
          uplink.sent += s.packetsSent ?? 0;
          uplink.again += s.retransmittedPacketsSent ?? 0;
          break;
        case 'remote-inbound-rtp':
          if (s.kind !== 'audio') break;
          uplink.lost = s.fractionLost ?? null;
          uplink.roundTripMs = s.roundTripTime === undefined ? null : s.roundTripTime * 1000;
          break;
      }
    }
    return { received, uplink };
  }

  /** Slot numbers served by the node, ascending. */
  slots(type: 'audio' | 'video'): number[] {
    return [...this.#slots].filter(([, t]) => t.receiver.track.kind === type).map(([slot]) => slot).sort((a, b) => a - b);
  }

  receiver(slot: number): RTCRtpReceiver | null {
    return this.#slots.get(slot)?.receiver ?? null;
  }

  track(slot: number): MediaStreamTrack | null {
    return this.receiver(slot)?.track ?? null;
  }

  /** Slot by the m-line id that statistics name. */
  slotOfMid(mid: string): number | null {
    for (const [slot, transceiver] of this.#slots) if (transceiver.mid === mid) return slot;
    return null;
  }

  midOf(sender: RTCRtpSender): string | null {
    return this.#pc.getTransceivers().find((t) => t.sender === sender)?.mid ?? null;
  }

  stats(): Promise<RTCStatsReport> {
    return this.#pc.getStats();
  }

  /** The other side says that it is dead. */
  fail(): void {
    this.#become('failed');
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#scope.end();
    this.#pc.close();
    this.#become('closed');
    this.onState = () => {};
  }

  #addSlots(type: 'audio' | 'video', count: number): void {
    for (let i = 0; i < count; i++) {
      const transceiver = this.#pc.addTransceiver(type, { direction: 'recvonly' });
      this.#options.attachTransforms(transceiver);
      preferCodecs(transceiver, type, false, this.#options.opaque);
      trimExtensions(transceiver, type === 'video');
      this.#lines.push(transceiver);
    }
  }

  async #negotiate(exchange: (offer: string) => Promise<MediaAnswer>, options: RTCOfferOptions = {}): Promise<void> {
    try {
      const answer = await exchange(await this.#makeOffer(options));
      await this.#apply(answer);
    } catch (error) {
      if (this.#pc.signalingState === 'have-local-offer') await this.#pc.setLocalDescription({ type: 'rollback' });
      throw InCameraError.from(error, 'media_failed');
    }
  }

  async #apply(answer: MediaAnswer): Promise<void> {
    const sdp = await unpackSdp(answer.answer);
    this.#relays = answer.iceServers; // each answer brings a new credential
    // Firefox gives up at once on an answer that it has nothing to pair with, and what it has given up on once sends no
    // media even when a restart connects it. So such an answer waits for addresses.
    if (this.wantsRelays && hasNoAddress(this.#pc)) this.#blocked = true;
    else {
      if (this.#blocked) await firstAddress(this.#pc, this.#scope);
      await this.#pc.setRemoteDescription({ type: 'answer', sdp });
      this.#blocked = false;
    }
    this.#mapSlots(answer);
  }

  async #makeOffer(options: RTCOfferOptions = {}): Promise<string> {
    const offer = await this.#pc.createOffer(options);
    await this.#pc.setLocalDescription(offer);
    this.offers++;
    return cleanOffer(offer.sdp ?? '');
  }

  #mapSlots(answer: MediaAnswer): void {
    const byMid = new Map(this.#lines.map((t) => [t.mid, t]));
    const slots = new Map<number, RTCRtpTransceiver>();
    for (const { slot, mid } of answer.slots) {
      const transceiver = byMid.get(mid);
      if (!transceiver) throw new InCameraError('media_failed', `the answer names a line that was not offered: ${mid}`);
      slots.set(slot, transceiver);
    }
    this.#slots = slots;
  }

  #connectionChanged(): void {
    this.#options.logger.debug('transport', { state: this.#pc.connectionState, placement: this.placement });
    switch (this.#pc.connectionState) {
      case 'connected':
        return this.#become('connected');
      case 'disconnected':
        return this.#become('lost');
      case 'failed':
      case 'closed':
        return this.#become('failed');
      default:
        return undefined;
    }
  }

  #become(state: TransportState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    if (state !== 'connecting') {
      this.#deadline?.();
      this.#deadline = null;
    }
    this.onState(state);
  }
}

// The sending lines: created once in the first offer, fed and emptied by replaceTrack, never renegotiated.

import { preferCodecs, trimExtensions } from './codecs.js';
import { encodingsOf, hasSpatialLayers, highestRid, limitSpatial, lowestRid } from './layers.js';
import type { LayerHint } from './protocol.js';
import { Queue } from './queue.js';
import { applyToParameters, screenSettings, smallRid } from './screen.js';
import { applyThrift, Thrift, type Uplink } from './thrift.js';
import type { Logger, ScreenSettings, SourceKind, VideoCodec } from './types.js';

/** The preference is in browsers, but not in every version of the types. */
type Degradable = RTCRtpSendParameters & { degradationPreference?: 'balanced' | 'maintain-framerate' | 'maintain-resolution' };
export type AttachTransforms = (transceiver: RTCRtpTransceiver) => void;
export type Senders = Partial<Record<SourceKind, RTCRtpSender>>;

/** Which sending lines a page offers. */
export interface PublishPlan {
  readonly mic: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
  /** What the camera is encoded with, if the browser can; default vp8. */
  readonly codec?: VideoCodec;
}

/** The order of the lines is how the server knows them: audio mic, video camera, video screen, audio screen_audio. */
const order: readonly SourceKind[] = ['mic', 'camera', 'screen', 'screen_audio'];

/** On an uplink that is too slow for both, people rather hear than see: sound gets its share first. */
const soundFirst: RTCRtpEncodingParameters = { priority: 'high', networkPriority: 'high' };

function addLine(pc: RTCPeerConnection, kind: SourceKind, codec: VideoCodec): RTCRtpTransceiver {
  const media = kind === 'camera' || kind === 'screen' ? 'video' : 'audio';
  const encodings = encodingsOf(kind, codec, kind === 'camera' && (codec === 'vp9' || codec === 'av1') && hasSpatialLayers());
  if (!encodings) {
    try {
      return pc.addTransceiver(media, { direction: 'sendonly', sendEncodings: [{ ...soundFirst }] });
    } catch {
      return pc.addTransceiver(media, { direction: 'sendonly' });
    }
  }
  try {
    return pc.addTransceiver(media, { direction: 'sendonly', sendEncodings: [...encodings] });
  } catch {
    const plain = encodings.map(({ scalabilityMode: _, ...encoding }) => encoding);
    return pc.addTransceiver(media, { direction: 'sendonly', sendEncodings: plain });
  }
}

/** Adds the sending lines of the plan. Transforms are attached in the same task: later ones are silently ignored. */
export function addSendLines(pc: RTCPeerConnection, plan: PublishPlan, attach: AttachTransforms, opaque = false): Senders {
  const senders: Senders = {};
  for (const kind of order) {
    if (!plan[kind === 'screen_audio' ? 'screen' : kind]) continue;
    const transceiver = addLine(pc, kind, plan.codec ?? 'vp8');
    attach(transceiver);
    preferCodecs(transceiver, kind === 'camera' || kind === 'screen' ? 'video' : 'audio', true, opaque, kind === 'camera' ? (plan.codec ?? 'vp8') : 'vp8');
    trimExtensions(transceiver, false);
    senders[kind] = transceiver.sender;
  }
  return senders;
}

/** What is sent, on however many transports there are: one, or two during a move. */
export class Publisher {
  readonly plan: PublishPlan;
  readonly #logger: Logger;
  readonly #queue = new Queue('publish');
  readonly #lines = new Set<Senders>();
  readonly #tracks = new Map<SourceKind, MediaStreamTrack | null>();
  #screen = screenSettings();
  readonly #hints = new Map<SourceKind, ReadonlyMap<string, LayerHint>>();
  /** Lines of a transport being moved to: only sound and the lowest layer until the old one closes. */
  readonly #thin = new Set<Senders>();
  readonly #balanced = new WeakSet<RTCRtpSender>();
  readonly #thrift = new Thrift();

  constructor(plan: PublishPlan, logger: Logger) {
    this.plan = plan;
    this.#logger = logger;
  }

  offers(kind: SourceKind): boolean {
    return this.plan[kind === 'screen_audio' ? 'screen' : kind];
  }

  track(kind: SourceKind): MediaStreamTrack | null {
    return this.#tracks.get(kind) ?? null;
  }

  /** Lines of a new transport get the tracks of now. */
  attach(senders: Senders, thin = false): Promise<void> {
    this.#lines.add(senders);
    if (thin) this.#thin.add(senders);
    return this.#queue.run('attach', async () => {
      for (const kind of order) {
        const track = this.#tracks.get(kind);
        if (track) await senders[kind]?.replaceTrack(track);
      }
      if (thin || this.#thrift.thrifty || this.#hints.size > 0) await this.#applyLayers(senders);
      await this.#applyScreen(senders);
      if (this.#thrift.thrifty) await this.#applyThrift(senders);
    });
  }

  get screen(): ScreenSettings {
    return this.#screen;
  }

  /** How the screen is sent, from now on. */
  setScreen(settings: ScreenSettings): Promise<void> {
    this.#screen = settings;
    return this.#queue.run('screen settings', async () => {
      for (const senders of this.#lines) await this.#applyScreen(senders);
    });
  }

  detach(senders: Senders): void {
    this.#lines.delete(senders);
    this.#thin.delete(senders);
  }

  /** The move is over: all layers again. */
  thicken(senders: Senders): void {
    if (!this.#thin.delete(senders)) return;
    this.#run('thicken', () => this.#applyLayers(senders));
  }

  setTrack(kind: SourceKind, track: MediaStreamTrack | null): Promise<void> {
    this.#tracks.set(kind, track);
    return this.#queue.run(`track ${kind}`, async () => {
      const now = this.#tracks.get(kind) ?? null; // a later call may have overtaken this one
      await Promise.all([...this.#lines].map((senders) => senders[kind]?.replaceTrack(now)));
    });
  }

  /** The server's word on which encodings anybody watches. */
  hint(kind: SourceKind, layers: readonly LayerHint[]): void {
    this.#hints.set(kind, new Map(layers.map((l) => [l.rid, l])));
    this.#run('hint', async () => {
      for (const senders of this.#lines) await this.#applyLayers(senders);
    });
  }

  /** How the way out does: where it is narrow, sound makes room for pictures. */
  uplink(state: Uplink): void {
    if (!this.#thrift.observe(state, performance.now())) return;
    this.#logger.info(this.#thrift.thrifty ? 'uplink is narrow: only what is needed' : 'uplink is wide again', { kbps: (state.bitsPerSecond ?? 0) / 1000 });
    this.#run('uplink', async () => {
      for (const senders of this.#lines) {
        await this.#applyThrift(senders);
        await this.#applyLayers(senders);
      }
    });
  }

  /** A new transport may be on a node that has said nothing yet. */
  forgetHints(): void {
    this.#hints.clear();
  }

  close(): void {
    this.#queue.close();
    this.#lines.clear();
    this.#thin.clear();
    this.#tracks.clear();
  }

  #run(task: string, body: () => Promise<void>): void {
    this.#queue.run(task, body).catch((error: unknown) => this.#logger.debug('publish task failed', { task, error: String(error) }));
  }

  async #applyThrift(senders: Senders): Promise<void> {
    const sender = senders.mic;
    if (!sender || !this.#lines.has(senders)) return;
    const parameters = sender.getParameters();
    if (!applyThrift(parameters, this.#thrift.thrifty)) return;
    await sender.setParameters(parameters).catch(async () => {
      // Some versions choose no codec here: fewer bits help too.
      const again = sender.getParameters();
      if (applyThrift({ ...again, codecs: [] }, this.#thrift.thrifty)) await sender.setParameters(again);
    });
  }

  async #applyScreen(senders: Senders): Promise<void> {
    const sender = senders.screen;
    if (!sender || !this.#lines.has(senders)) return;
    const parameters = sender.getParameters();
    if (applyToParameters(parameters, this.#screen)) {
      // Some browsers do not know the preference: the picture is shared all the same.
      await sender.setParameters(parameters).catch((error: unknown) => this.#logger.debug('screen settings refused', { error: String(error) }));
    }
  }

  async #applyLayers(senders: Senders): Promise<void> {
    const thin = this.#thin.has(senders) || this.#thrift.thrifty;
    for (const kind of ['camera', 'screen'] as const) {
      const sender = senders[kind];
      if (!sender || !this.#lines.has(senders)) continue;
      const parameters: Degradable = sender.getParameters();
      const hints = this.#hints.get(kind);
      let changed = false;
      // A face may lose a little of both when the computer or the uplink is busy, rather than stop moving.
      if (kind === 'camera' && !this.#balanced.has(sender)) {
        this.#balanced.add(sender);
        parameters.degradationPreference = 'balanced';
        changed = true;
      }
      for (const encoding of parameters.encodings ?? []) {
        const rid = encoding.rid ?? '';
        const lowest = kind === 'screen' ? smallRid : lowestRid;
        const active = (hints?.get(rid)?.active ?? (kind === 'screen' || rid !== highestRid)) && !(thin && rid !== '' && rid !== lowest);
        if (encoding.active !== active) {
          encoding.active = active;
          changed = true;
        }
        if (kind === 'camera' && limitSpatial(encoding, hints?.get(rid)?.spatial ?? 0)) changed = true;
      }
      if (changed) await sender.setParameters(parameters);
    }
  }
}

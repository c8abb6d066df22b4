// A server in the page: the protocol over a pretended WebSocket, the media node as a second PeerConnection. It lets
// the SDK be tried in real browsers without any other process; the meeting tests use the real server.

import type { ClientMessageJson, ServerMessageJson, SlotJson, SnapshotJson, WishJson } from '../src/gen/incamera_pb.js';

export const me = 'p_aaaaaaaaaaaaaaaa';
export const bob = 'p_bbbbbbbbbbbbbbbb';

/** A picture of one colour, moving so that frames are made. */
export function picture(colour: string): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = 360;
  const pen = canvas.getContext('2d') as CanvasRenderingContext2D;
  let n = 0;
  setInterval(() => {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 640, 360);
    pen.fillStyle = 'white';
    pen.fillRect(n++ % 600, 100, 40, 40);
  }, 50);
  return canvas.captureStream(20).getVideoTracks()[0] as MediaStreamTrack;
}

export function tone(): MediaStreamTrack {
  const context = new AudioContext();
  const oscillator = context.createOscillator();
  const out = context.createMediaStreamDestination();
  oscillator.connect(out);
  oscillator.start();
  return out.stream.getAudioTracks()[0] as MediaStreamTrack;
}

class Node {
  readonly pc = new RTCPeerConnection();
  readonly #picture = picture('red');
  readonly #tone = tone();

  async answer(offer: string): Promise<{ answer: string; slots: SlotJson[] }> {
    await this.pc.setRemoteDescription({ type: 'offer', sdp: offer });
    const slots: SlotJson[] = [];
    const lines = offer.split(/(?=^m=)/m);
    let slot = 0;
    for (const t of this.pc.getTransceivers()) {
      if (!lines.some((line) => line.includes(`a=mid:${t.mid}\r\n`) && line.includes('a=recvonly'))) continue;
      const audio = t.receiver.track.kind === 'audio';
      t.direction = 'sendonly';
      if (!t.sender.track) await t.sender.replaceTrack(audio ? this.#tone : this.#picture);
      slots.push({ slot: slot++, mid: t.mid as string, type: audio ? 'MEDIA_TYPE_AUDIO' : 'MEDIA_TYPE_VIDEO' });
    }
    await this.pc.setLocalDescription();
    await new Promise<void>((resolve) => {
      if (this.pc.iceGatheringState === 'complete') resolve();
      else this.pc.addEventListener('icegatheringstatechange', () => this.pc.iceGatheringState === 'complete' && resolve());
    });
    return { answer: this.pc.localDescription?.sdp ?? '', slots };
  }

  async received(): Promise<Record<string, number>> {
    const out: Record<string, number> = {};
    (await this.pc.getStats()).forEach((r: Record<string, unknown>) => {
      if (r['type'] === 'inbound-rtp') out[`${String(r['kind'])}/${String(r['mid'])}`] = Number(r['packetsReceived']);
    });
    return out;
  }
}

export class FakeServer {
  readonly heard: ClientMessageJson[] = [];
  readonly nodes: Node[] = [];
  offers: string[] = [];
  sockets = 0;
  placement = 1;
  version = 1;
  refuse: Record<string, string> = {};
  /** Set false to play a machine without network. */
  reachable = true;
  media: Record<string, { on: boolean; mutedByHost: boolean }> = {};
  #socket: FakeSocket | null = null;

  install(): void {
    const server = this;
    (globalThis as { WebSocket: unknown }).WebSocket = class extends FakeSocket {
      constructor() {
        super(server);
      }
    };
  }

  get node(): Node {
    return this.nodes.at(-1) as Node;
  }

  attach(socket: FakeSocket): void {
    this.#socket = socket;
    this.sockets++;
  }

  say(message: ServerMessageJson): void {
    this.#socket?.deliver(JSON.stringify(message));
  }

  drop(code = 1006): void {
    this.#socket?.drop(code);
  }

  event(change: object, by = ''): void {
    this.say({ event: { generation: '1', version: String(++this.version), atMs: '0', by, ...change } });
  }

  self(): object {
    return {
      id: me, name: 'Me', role: 'ROLE_HOST', assurance: 'ASSURANCE_MFA', number: 1, present: true,
      media: Object.entries(this.media).map(([kind, m]) => ({ kind, ...m })),
    };
  }

  snapshot(): SnapshotJson {
    return {
      generation: '1', version: String(this.version), room: 'r', meeting: 'm', title: 'Title',
      participants: [this.self(), { id: bob, name: 'Bob', number: 2, present: true, media: [{ kind: 'SOURCE_KIND_CAMERA', on: true }] }],
    } as SnapshotJson;
  }

  async hear(text: string): Promise<void> {
    const message = JSON.parse(text) as ClientMessageJson;
    this.heard.push(message);
    const re = message.id ?? 0;
    const type = Object.keys(message).find((k) => k !== 'id') as string;
    const refusal = this.refuse[type];
    if (refusal) return this.say({ re, error: { code: refusal, message: refusal } });
    if (message.hello) {
      return this.say({ re, welcome: { protocol: 1, nonce: `n${this.sockets}`, audience: 'dep', serverTimeMs: String(Date.now()), audioSlots: 3, videoSlots: 9 } });
    }
    if (message.join) {
      this.#intent(message.join.media ?? {});
      const { answer, slots } = await this.#negotiate(message.join.offer ?? '', true);
      return this.say({ re, joined: { participant: me, session: 's_1', answer, slots, snapshot: this.snapshot(), ticket: 't1', placement: String(this.placement), grants: grants() } });
    }
    if (message.enterLobby) return this.say({ re, waiting: { waiter: 'w_1', roomTitle: 'Title' } });
    if (message.resume) {
      const media = message.resume.offer ? await this.#negotiate(message.resume.offer, true) : {};
      return this.say({ re, resumed: { ticket: 't2', snapshot: this.snapshot(), placement: String(this.placement), grants: grants(), participant: me, session: 's_1', ...media } });
    }
    if (message.moveOffer) {
      this.placement = Number(message.moveOffer.placement);
      const media = await this.#negotiate(message.moveOffer.offer ?? '', true);
      return this.say({ re, answer: { ...media, placement: String(this.placement) } });
    }
    if (message.renegotiate) {
      const media = await this.#negotiate(message.renegotiate.offer ?? '', false);
      return this.say({ re, answer: { ...media, placement: String(this.placement) } });
    }
    if (message.setMedia) {
      this.media[message.setMedia.kind as string] = { on: message.setMedia.on ?? false, mutedByHost: false };
      this.event({ participantChanged: this.self() });
    }
    if (message.setWishes) this.#occupy(message.setWishes.wishes ?? []);
    if (message.ping) return this.say({ re, pong: { serverTimeMs: String(Date.now()) } });
    return this.say({ re, ok: {} });
  }

  #intent(media: { mic?: boolean; camera?: boolean }): void {
    const source = (on = false) => ({ on, mutedByHost: false });
    this.media = {
      SOURCE_KIND_MIC: source(media.mic), SOURCE_KIND_CAMERA: source(media.camera), SOURCE_KIND_SCREEN: source(), SOURCE_KIND_SCREEN_AUDIO: source(),
    };
  }

  async #negotiate(offer: string, fresh: boolean): Promise<{ answer: string; slots: SlotJson[] }> {
    this.offers.push(offer);
    if (fresh) this.nodes.push(new Node());
    return this.node.answer(offer);
  }

  #occupy(wishes: readonly WishJson[]): void {
    this.say({
      occupancy: {
        slots: wishes.map((w) => (w.width ? { slot: w.slot ?? 0, participant: w.participant || bob, kind: w.kind ?? 'SOURCE_KIND_CAMERA', sourceId: 18 } : { slot: w.slot ?? 0 })),
      },
    } as ServerMessageJson);
  }
}

function grants(): NonNullable<NonNullable<ServerMessageJson['joined']>['grants']> {
  return { publish: ['SOURCE_KIND_MIC', 'SOURCE_KIND_CAMERA', 'SOURCE_KIND_SCREEN', 'SOURCE_KIND_SCREEN_AUDIO'], chat: true, roster: true, moderate: true };
}

class FakeSocket extends EventTarget {
  #open = false;
  readonly #server: FakeServer;

  constructor(server: FakeServer) {
    super();
    this.#server = server;
    setTimeout(() => {
      if (!server.reachable) return this.drop(1006);
      this.#open = true;
      server.attach(this);
      this.dispatchEvent(new Event('open'));
      return undefined;
    });
  }

  send(text: string): void {
    if (this.#open) setTimeout(() => void this.#server.hear(text));
  }

  deliver(text: string): void {
    if (this.#open) this.dispatchEvent(new MessageEvent('message', { data: text }));
  }

  drop(code: number): void {
    this.#open = false;
    this.dispatchEvent(new CloseEvent('close', { code }));
  }

  close(code = 1000): void {
    if (!this.#open) return;
    this.#open = false;
    setTimeout(() => this.dispatchEvent(new CloseEvent('close', { code })));
  }
}

// The receiving slots: who is in them, what is wished for them, which elements show them.

import type { WishJson } from './gen/incamera_pb.js';
import type { SlotState } from './protocol.js';
import type { Transport } from './transport.js';
import type { SlotView, Tile, VideoKind } from './types.js';
import { assign, distinct, wireWishes, wishOf, type Wish } from './wishes.js';

/** Size asked for by 'auto' in CSS pixels. */
const autoTile = { participant: '', kind: 'camera', width: 480, height: 270 } as const;
/** Pool sizes a client grows to, each in one negotiation. */
const poolSteps: readonly number[] = [9, 16, 25, 49];

/** The person itself: its pictures come from its own devices, not from slots. */
export interface Own {
  readonly id: string;
  track(kind: VideoKind): MediaStreamTrack | null;
}

export class SlotPool {
  readonly #own: Own;
  #transport: Transport;
  #occupants = new Map<number, SlotState>();
  /** What was heard since a second transport was asked for: its slots start empty. */
  #fresh: Map<number, SlotState> | null = null;
  #tiles: readonly Tile[] | 'auto' = [];
  #slots: number[] = [];
  #wishes: (Wish | null)[] = [];
  #bound = new Map<HTMLVideoElement, MediaStreamTrack>();

  constructor(transport: Transport, own: Own) {
    this.#own = own;
    this.#transport = transport;
  }

  /** The transport that is played from now on (also after it grew). */
  use(transport: Transport): void {
    if (transport !== this.#transport) {
      this.#occupants = this.#fresh ?? new Map<number, SlotState>();
      this.#fresh = null;
    }
    this.#transport = transport;
    const before = new Map(this.#slots.map((slot, i) => [slot, this.#wishes[i] ?? null]));
    this.#slots = transport.slots('video');
    this.#wishes = this.#slots.map((slot) => before.get(slot) ?? null);
    this.#replan();
    this.bind();
  }

  /** A second transport is being opened. Its occupants may be told before it is connected. */
  expectMove(): void {
    this.#fresh = new Map();
  }

  occupy(states: readonly SlotState[]): void {
    for (const state of states) {
      this.#occupants.set(state.slot, state);
      this.#fresh?.set(state.slot, state);
    }
    this.bind();
  }

  watch(tiles: readonly Tile[] | 'auto'): void {
    this.#tiles = tiles;
    this.#replan();
    this.bind();
  }

  /** The pool size that would hold everything wished for. */
  wanted(): number {
    const count = this.#tiles === 'auto' ? 0 : distinct(this.#wanted()).length;
    return count <= this.#slots.length ? this.#slots.length : (poolSteps.find((n) => n >= count) ?? 49);
  }

  wishes(paused: boolean): WishJson[] {
    return wireWishes(this.#slots, this.#wishes, paused);
  }

  views(): SlotView[] {
    return [...this.#transport.slots('audio').map((s) => [s, 'audio'] as const), ...this.#slots.map((s) => [s, 'video'] as const)]
      .flatMap(([slot, type]) => {
        const track = this.#transport.track(slot);
        if (!track) return [];
        const state = this.#occupants.get(slot);
        return [{
          slot, type, track, participant: state?.participant ?? '', kind: state?.kind ?? null,
          paused: state?.paused ?? '', layer: state?.layer ?? 0,
        }];
      });
  }

  occupant(slot: number): SlotState | null {
    return this.#occupants.get(slot) ?? null;
  }

  /** The track of somebody's picture, when it is in a slot and flows. */
  trackOf(participant: string, kind: VideoKind): MediaStreamTrack | null {
    if (participant === this.#own.id) return this.#own.track(kind);
    const slot = this.#slots.find((s) => {
      const state = this.#occupants.get(s);
      return state?.participant === participant && state.kind === kind && state.paused === '';
    });
    return slot === undefined ? null : this.#transport.track(slot);
  }

  /** Gives each tile's element its picture and takes it from elements no tile names any more. */
  bind(): void {
    const now = new Map<HTMLVideoElement, MediaStreamTrack>();
    const speech = this.#slots.filter((_, i) => this.#wishes[i]?.participant === '');
    for (const tile of this.#tiles === 'auto' ? [] : this.#tiles) {
      if (!tile.element) continue;
      const slot = tile.participant === '' ? speech.shift() : undefined;
      const track = tile.participant !== '' ? this.trackOf(tile.participant, tile.kind)
        : slot !== undefined && this.#occupants.get(slot)?.participant ? this.#transport.track(slot) : null;
      if (track) now.set(tile.element, track);
    }
    for (const [element] of this.#bound) if (!now.has(element)) element.srcObject = null;
    for (const [element, track] of now) {
      if (this.#bound.get(element) === track && element.srcObject !== null) continue;
      element.muted = true; // sound has its own elements
      element.playsInline = true;
      element.srcObject = new MediaStream([track]);
      element.play?.().catch(() => {}); // muted pictures may play; a detached element tries again when attached
    }
    this.#bound = now;
  }

  close(): void {
    for (const [element] of this.#bound) element.srcObject = null;
    this.#bound.clear();
    this.#tiles = [];
  }

  #wanted(): Wish[] {
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const tiles: readonly Tile[] = this.#tiles === 'auto' ? this.#slots.map(() => autoTile) : this.#tiles;
    return tiles.flatMap((tile) => (tile.participant === this.#own.id ? [] : (wishOf(tile, ratio) ?? [])));
  }

  #replan(): void {
    const showing = this.#slots.map((slot) => this.#occupants.get(slot) ?? null);
    this.#wishes = assign(this.#wishes, showing, distinct(this.#wanted()));
  }
}

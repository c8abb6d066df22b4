// From the pictures on the page to the wishes for the slots: a pure function.

import type { WishJson } from './gen/incamera_pb.js';
import { wireKind } from './protocol.js';
import type { Tile, VideoKind } from './types.js';

/** What a video slot is asked for; null: nothing. An empty participant: by speech. */
export interface Wish {
  readonly participant: string;
  readonly kind: VideoKind;
  readonly width: number;
  readonly height: number;
}

/** What a slot shows now, for choosing the slot that has the picture already. */
export interface Showing {
  readonly participant: string;
  readonly kind: string | null;
}

const maxPixels = 4096;

/** CSS pixels to device pixels, bounded. A tile without area wishes nothing. */
export function wishOf(tile: Tile, pixelRatio: number): Wish | null {
  const size = (css: number) => (Number.isFinite(css) ? Math.max(0, Math.min(maxPixels, Math.round(css * pixelRatio))) : 0);
  const width = size(tile.width);
  const height = size(tile.height);
  return width === 0 || height === 0 ? null : { participant: tile.participant, kind: tile.kind, width, height };
}

/** Two tiles of one picture need one slot, at the larger size; each speech-filled tile is a picture of its own. */
export function distinct(tiles: readonly Wish[]): Wish[] {
  const out: Wish[] = [];
  const at = new Map<string, number>();
  for (const wish of tiles) {
    const key = `${wish.participant}/${wish.kind}`;
    const known = wish.participant === '' ? undefined : at.get(key);
    const other = known === undefined ? undefined : out[known];
    if (known === undefined || other === undefined) {
      at.set(key, out.length);
      out.push(wish);
    } else if (area(wish) > area(other)) {
      out[known] = wish;
    }
  }
  return out;
}

function area(wish: Wish): number {
  return wish.width * wish.height;
}

function same(a: { participant: string; kind: string | null }, b: { participant: string; kind: string | null }): boolean {
  return a.participant === b.participant && a.kind === b.kind;
}

/**
 * Puts wishes into slots. A picture stays in the slot it was asked into or already plays in, so that a new layout
 * disturbs nobody; what is left goes into free slots, the emptiest first. Too many wishes: the largest win.
 * `before` and the result are indexed alike.
 */
export function assign(before: readonly (Wish | null)[], showing: readonly (Showing | null)[], wishes: readonly Wish[]): (Wish | null)[] {
  const slots: (Wish | null)[] = before.map(() => null);
  let rest = wishes.length > slots.length
    ? [...wishes].sort((a, b) => area(b) - area(a)).slice(0, slots.length)
    : [...wishes];
  const settle = (find: (wish: Wish) => number) => {
    rest = rest.filter((wish) => {
      const slot = find(wish);
      if (slot < 0) return true;
      slots[slot] = wish;
      return false;
    });
  };
  settle((wish) => before.findIndex((b, i) => b !== null && slots[i] === null && same(b, wish)));
  settle((wish) => (wish.participant === '' ? -1 : showing.findIndex((s, i) => s !== null && slots[i] === null && same(s, wish))));
  const empty = (i: number) => (showing[i]?.participant ?? '') === '';
  settle(() => slots.findIndex((s, i) => s === null && before[i] === null && empty(i)));
  settle(() => slots.findIndex((s) => s === null));
  return slots;
}

/** The wire form: one wish per slot, 0x0 where nothing is wanted. */
export function wireWishes(slots: readonly number[], wishes: readonly (Wish | null)[], paused: boolean): WishJson[] {
  return slots.map((slot, i) => {
    const wish = paused ? null : (wishes[i] ?? null);
    if (!wish) return { slot, width: 0, height: 0 };
    const { participant, width, height } = wish;
    if (participant === '') return { slot, width, height };
    return { slot, participant, kind: wireKind[wish.kind], width, height };
  });
}

// Who is on the first page of a paged grid. Speech never reorders what is seen: a speaker from another page takes the
// seat of the visible person who has been silent the longest, seldom, and then stays for a while.

import type { Key } from './arrange.js';

const SWAP_EVERY_MS = 4000;
const STAY_MS = 15_000;

export interface Seats {
  /** Everybody but oneself, in display order. */
  readonly order: readonly Key[];
  /** When somebody was last heard, or came into view. */
  readonly heardAt: ReadonlyMap<Key, number>;
  readonly swappedAt: number;
}

export const noSeats: Seats = { order: [], heardAt: new Map(), swappedAt: Number.NEGATIVE_INFINITY };

export interface Hearing {
  /** In joining order. */
  readonly present: readonly Key[];
  /** Heard now or with a hand up, the most important first. */
  readonly active: readonly Key[];
  /** How many others the first page shows. */
  readonly visible: number;
  readonly now: number;
}

/** The next seating. Those who stay keep their seats; those who come are added at the end; at most one swap. */
export function seat(before: Seats, hearing: Hearing): Seats {
  const { present, active, visible, now } = hearing;
  const here = new Set(present);
  const kept = before.order.filter((key) => here.has(key));
  const known = new Set(kept);
  const order = [...kept, ...present.filter((key) => !known.has(key))];
  const heardAt = new Map([...before.heardAt].filter(([key]) => here.has(key)));
  for (const key of active) heardAt.set(key, now);

  const seen = new Set(order.slice(0, visible));
  const comer = active.find((key) => here.has(key) && !seen.has(key));
  if (comer === undefined || now - before.swappedAt < SWAP_EVERY_MS) return { order, heardAt, swappedAt: before.swappedAt };
  const busy = new Set(active);
  const silent = [...seen].filter((key) => !busy.has(key) && now - (heardAt.get(key) ?? Number.NEGATIVE_INFINITY) >= STAY_MS)
    .sort((a, b) => (heardAt.get(a) ?? Number.NEGATIVE_INFINITY) - (heardAt.get(b) ?? Number.NEGATIVE_INFINITY))[0];
  if (silent === undefined) return { order, heardAt, swappedAt: before.swappedAt };
  const swapped = order.map((key) => (key === comer ? silent : key === silent ? comer : key));
  return { order: swapped, heardAt, swappedAt: now };
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, distinct, wireWishes, wishOf, type Wish } from '../src/wishes.js';

const wish = (participant: string, width = 320, height = 180): Wish => ({ participant, kind: 'camera', width, height });
const none = (n: number) => Array.from({ length: n }, () => null);
const names = (slots: readonly (Wish | null)[]) => slots.map((s) => s?.participant ?? '-');

test('device pixels, bounded; a tile without area wishes nothing', () => {
  const tile = { participant: 'a', kind: 'camera', width: 320, height: 180.4 } as const;
  assert.deepEqual(wishOf(tile, 2), { participant: 'a', kind: 'camera', width: 640, height: 361 });
  assert.equal(wishOf({ ...tile, width: 1e9 }, 2)?.width, 4096);
  for (const width of [0, -5, Number.NaN, Number.POSITIVE_INFINITY]) assert.equal(wishOf({ ...tile, width }, 1), null);
});

test('one picture in two tiles is one wish, at the larger size', () => {
  assert.deepEqual(distinct([wish('a', 100, 100), wish('b'), wish('a', 640, 360)]), [wish('a', 640, 360), wish('b')]);
  assert.equal(distinct([wish(''), wish('')]).length, 2);
});

test('a new layout leaves pictures where they are', () => {
  const before = assign(none(4), none(4), [wish('a'), wish('b'), wish('c')]);
  assert.deepEqual(names(before), ['a', 'b', 'c', '-']);
  const after = assign(before, none(4), [wish('c'), wish('d'), wish('a')]);
  assert.deepEqual(names(after), ['a', '-', 'c', 'd']);
});

test('a picture that plays already is found, and free slots come before showing ones', () => {
  const showing = [{ participant: 'x', kind: 'camera' }, null, { participant: 'b', kind: 'camera' }];
  assert.deepEqual(names(assign(none(3), showing, [wish('a'), wish('b')])), ['-', 'a', 'b']);
});

test('too many wishes: the largest win, and nothing is put in twice', () => {
  const many = Array.from({ length: 20 }, (_, i) => wish(`p${i}`, 10 * (i + 1), 10));
  const slots = assign(none(9), none(9), many);
  assert.equal(new Set(names(slots)).size, 9);
  assert.ok(slots.every((s) => s !== null && s.width >= 120));
});

test('assignments keep their promises for random layouts', () => {
  let seed = 3;
  const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  let slots: (Wish | null)[] = none(9);
  for (let i = 0; i < 2000; i++) {
    const wanted = distinct(Array.from({ length: random(14) }, () => wish(random(3) === 0 ? '' : `p${random(12)}`, 10 + random(900), 100)));
    const next = assign(slots, none(9), wanted);
    assert.equal(next.length, 9);
    const placed = next.filter((s) => s !== null);
    assert.equal(placed.length, Math.min(9, wanted.length));
    const pinned = placed.map((s) => s.participant).filter((p) => p !== '');
    assert.equal(new Set(pinned).size, pinned.length);
    if (wanted.length <= 9) {
      slots.forEach((was, j) => {
        if (was && was.participant !== '' && wanted.some((w) => w.participant === was.participant)) {
          assert.equal(next[j]?.participant, was.participant, 'stays in its slot');
        }
      });
    }
    slots = next;
  }
});

test('on the wire: every slot once, 0x0 where nothing is wanted or nobody looks', () => {
  const wishes = [wish('a', 640, 360), null, wish('')];
  assert.deepEqual(wireWishes([3, 4, 5], wishes, false), [
    { slot: 3, participant: 'a', kind: 'SOURCE_KIND_CAMERA', width: 640, height: 360 },
    { slot: 4, width: 0, height: 0 }, { slot: 5, width: 320, height: 180 },
  ]);
  assert.ok(wireWishes([3, 4, 5], wishes, true).every((w) => w.width === 0));
});

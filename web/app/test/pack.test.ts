import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack, packInto, perPage, place, type Area } from '../src/layout/pack.js';

const stage: Area = { width: 1416, height: 730 };
const phone: Area = { width: 374, height: 640 };
const area = (one: Area) => one.width * one.height;

test('the chosen column count gives the largest tiles, for any number of people and any window', () => {
  for (const window of [stage, phone, { width: 900, height: 900 }, { width: 320, height: 400 }]) {
    for (let n = 1; n <= 60; n++) {
      const best = pack(n, window, 8);
      for (let columns = 1; columns <= n; columns++) {
        assert.ok(area(best) >= area(packInto(columns, n, window, 8)) - 0.5, `${n} people, ${columns} columns in ${window.width}x${window.height}`);
      }
      assert.ok(best.columns * best.rows >= n);
    }
  }
});

test('tiles keep a shape that suits faces', () => {
  for (let n = 1; n <= 49; n++) {
    const wide = pack(n, stage, 8);
    assert.ok(wide.width / wide.height <= 16 / 9 + 1e-9 && wide.width / wide.height >= 6 / 5 - 1e-9, `${n} in landscape`);
    const tall = pack(n, phone, 6);
    assert.ok(tall.width / tall.height <= 16 / 9 + 1e-9 && tall.width / tall.height >= 3 / 4 - 1e-9, `${n} in portrait`);
  }
});

test('nothing leaves the stage and no two tiles overlap', () => {
  for (const window of [stage, phone]) {
    for (let n = 1; n <= 49; n++) {
      const packing = pack(n, window, 8);
      const boxes = place(n, { x: 0, y: 0, ...window }, 8, packing);
      assert.equal(boxes.length, n);
      boxes.forEach((box, index) => {
        assert.ok(box.x >= -0.01 && box.y >= -0.01 && box.x + box.width <= window.width + 0.01 && box.y + box.height <= window.height + 0.01, `tile ${index} of ${n}`);
        for (const other of boxes.slice(index + 1)) {
          const apart = box.x + box.width <= other.x + 0.01 || other.x + other.width <= box.x + 0.01 || box.y + box.height <= other.y + 0.01 || other.y + other.height <= box.y + 0.01;
          assert.ok(apart, `tiles of ${n} overlap`);
        }
      });
    }
  }
});

test('a short last row stands in the middle', () => {
  const packing = pack(5, stage, 8);
  assert.equal(packing.columns, 3);
  const boxes = place(5, { x: 0, y: 0, ...stage }, 8, packing);
  const [fourth, fifth] = [boxes[3], boxes[4]];
  assert.ok(fourth && fifth);
  assert.ok(Math.abs(fourth.x - (stage.width - fifth.x - fifth.width)) < 0.01);
});

test('a column count that is hardly better does not replace the one on the screen', () => {
  let kept = 0;
  let changed = 0;
  for (let width = 500; width < 1600; width += 7) {
    const window = { width, height: 700 };
    const best = pack(7, window, 8);
    for (const before of [1, 2, 3, 4, 5, 6, 7]) {
      const next = pack(7, window, 8, before);
      const old = packInto(before, 7, window, 8);
      if (next.columns === before) kept++;
      else {
        changed++;
        assert.equal(next.columns, best.columns);
        assert.ok(area(best) >= area(old) * 1.08);
      }
    }
  }
  assert.ok(kept > 0 && changed > 0);
});

test('too many people are paged by whole rows instead of shrinking below the least width', () => {
  const rules = { gap: 6, minWidth: 148, pagerHeight: 46, most: 49 };
  const count = perPage(25, phone, rules);
  const packing = pack(count, { width: phone.width, height: phone.height - 46 }, 6);
  assert.ok(count < 25 && count > 2);
  assert.ok(packing.width >= 148);
  assert.equal(count % packing.columns, 0);
  assert.ok(perPage(60, { width: 5000, height: 3000 }, { ...rules, minWidth: 172 }) <= 49, 'beyond 49 tiles always page');
  assert.equal(perPage(9, stage, { ...rules, minWidth: 172 }), 9);
});

test('a stage without room yields no negative sizes', () => {
  for (let n = 1; n < 12; n++) {
    const packing = pack(n, { width: 0, height: 0 }, 8);
    assert.ok(packing.width >= 0 && packing.height >= 0);
    assert.ok(perPage(n, { width: 0, height: 0 }, { gap: 8, minWidth: 172, pagerHeight: 46, most: 49 }) >= 1);
  }
});

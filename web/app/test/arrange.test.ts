import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrange, type Scene } from '../src/layout/arrange.js';
import { mainTile, screenTiles } from '../src/meeting/tiles.js';
import type { Participant } from '@incamera/sdk';

const others = (n: number) => Array.from({ length: n }, (_, index) => `p${index}/camera`);
const scene = (over: Partial<Scene>): Scene => ({
  stage: { width: 1416, height: 730 }, phone: false, others: [], own: 'me/camera', main: null, mainAspect: null, keep: new Set(), page: 0, ...over,
});
const onStage = (one: Scene) => {
  for (const [key, box] of arrange(one).boxes) {
    assert.ok(box.x >= -0.5 && box.y >= -0.5 && box.x + box.width <= one.stage.width + 0.5 && box.y + box.height <= one.stage.height + 0.5, `${key} leaves the stage`);
    assert.ok(box.width > 0 && box.height > 0, key);
  }
};

test('alone, the own picture leaves room for the invitation', () => {
  const { boxes, view } = arrange(scene({}));
  assert.equal(view, 'alone');
  assert.ok((boxes.get('me/camera')?.width ?? 0) <= 720);
});

test('with two people the other fills the stage and the own picture is an inset', () => {
  const { boxes, view, inset } = arrange(scene({ others: others(1) }));
  assert.equal(view, 'two');
  assert.ok(inset);
  assert.deepEqual(boxes.get('p0/camera'), { x: 0, y: 0, width: 1416, height: 730 });
  assert.equal(boxes.get('me/camera')?.width, 232);
});

test('the grid keeps the joining order and puts the own tile last', () => {
  assert.deepEqual([...arrange(scene({ others: others(4) })).boxes.keys()], [...others(4), 'me/camera']);
});

test('every page of a large meeting shows the own tile, and all pages together show everybody once', () => {
  const seen: string[] = [];
  const first = arrange(scene({ stage: { width: 374, height: 640 }, phone: true, others: others(30) }));
  assert.ok(first.pages > 1);
  for (let page = 0; page < first.pages; page++) {
    const keys = [...arrange(scene({ stage: { width: 374, height: 640 }, phone: true, others: others(30), page })).boxes.keys()];
    assert.equal(keys[keys.length - 1], 'me/camera');
    seen.push(...keys.slice(0, -1));
  }
  assert.deepEqual(seen, others(30));
});

test('a page beyond the last is the last', () => {
  const last = arrange(scene({ stage: { width: 374, height: 640 }, phone: true, others: others(30), page: 99 }));
  assert.equal(last.page, last.pages - 1);
  assert.ok(last.boxes.size > 1);
});

test('a share keeps its shape and gets the larger of the two places', () => {
  for (const stage of [{ width: 1416, height: 730 }, { width: 1040, height: 730 }, { width: 900, height: 900 }]) {
    const { boxes, view } = arrange(scene({ stage, others: ['p0/screen', ...others(4)], main: 'p0/screen', mainAspect: 1.6 }));
    const share = boxes.get('p0/screen');
    assert.equal(view, 'main');
    assert.ok(share && Math.abs(share.width / share.height - 1.6) < 0.02, `${stage.width}: ${share?.width} x ${share?.height}`);
    assert.ok(boxes.has('me/camera'));
  }
});

test('a strip that is too short drops speakers, raised hands and the own tile last', () => {
  const keep = new Set(['p40/camera']);
  const { boxes } = arrange(scene({ others: ['p0/screen', ...others(60)], main: 'p0/screen', mainAspect: 1.6, keep }));
  assert.ok(boxes.size < 20);
  assert.ok(boxes.has('p40/camera') && boxes.has('me/camera') && boxes.has('p0/camera'));
});

test('nothing leaves the stage in any view, size or crowd', () => {
  for (const stage of [{ width: 1416, height: 730 }, { width: 700, height: 500 }, { width: 374, height: 640 }, { width: 304, height: 420 }]) {
    for (const n of [0, 1, 2, 3, 5, 9, 16, 25, 49, 80]) {
      const phone = stage.width < 600;
      onStage(scene({ stage, phone, others: others(n) }));
      if (n > 1) onStage(scene({ stage, phone, others: others(n), main: 'p0/camera' }));
      if (n > 1) onStage(scene({ stage, phone, others: ['p0/screen', ...others(n)], main: 'p0/screen', mainAspect: 1.6 }));
    }
  }
});

const person = (id: string, kinds: readonly ('mic' | 'camera' | 'screen')[] = []): Participant => ({
  id, name: id, role: 'participant', assurance: 'mfa', number: 1, media: kinds.map((kind) => ({ kind, on: true, mutedByHost: false })),
  hand: false, handAtMs: 0, joinedAtMs: 0, present: true, hardMuted: false,
});

test('the large tile is my pin, else a share of somebody else, else the speaker, else none', () => {
  const people = [person('me', ['screen']), person('a', ['camera']), person('b', ['screen'])];
  const choice = { pin: null, layout: 'grid', speaker: '' } as const;
  assert.deepEqual(mainTile(people, 'me', { ...choice, pin: { participant: 'a', kind: 'camera' } }), { participant: 'a', kind: 'camera' });
  assert.deepEqual(mainTile(people, 'me', choice), { participant: 'b', kind: 'screen' });
  assert.equal(mainTile([person('me', ['screen']), person('a')], 'me', choice), null);
  assert.deepEqual(mainTile([person('me'), person('a'), person('c')], 'me', { ...choice, layout: 'speaker', speaker: 'c' }), { participant: 'c', kind: 'camera' });
  assert.equal(mainTile([person('me'), person('a')], 'me', { ...choice, pin: { participant: 'gone', kind: 'camera' } }), null);
  assert.equal(mainTile(people, 'me', { ...choice, pin: { participant: 'a', kind: 'screen' } })?.participant, 'b', 'a share that stopped is no longer pinned');
});

test('every shared screen is on the stage, the large one first; my own only when I pinned it', () => {
  const person = (id: string, ...kinds: string[]) => ({ id, media: kinds.map((kind) => ({ kind, on: true, mutedByHost: false })) }) as unknown as Participant;
  const people = [person('me', 'screen'), person('a', 'screen'), person('b', 'camera'), person('c', 'screen')];
  const names = (main: Parameters<typeof screenTiles>[2]) => screenTiles(people, 'me', main).map((one) => one.participant);
  assert.deepEqual(names({ participant: 'c', kind: 'screen' }), ['c', 'a']);
  assert.deepEqual(names({ participant: 'b', kind: 'camera' }), ['a', 'c']);
  assert.deepEqual(names({ participant: 'me', kind: 'screen' }), ['me', 'a', 'c']);
  const two = scene({ others: ['c/screen', 'a/screen', 'b/camera'], main: 'c/screen', mainAspect: 1.6, keep: new Set(['c/screen', 'a/screen']) });
  assert.ok(arrange(two).boxes.has('a/screen'));
  onStage(two);
});

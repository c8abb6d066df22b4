import { test } from 'node:test';
import assert from 'node:assert/strict';
import { judge, percentile, rows, table } from './figures.mjs';
import { backAfter, concealed, longestGap, stoodStill, switches } from './measure.mjs';

const runs = (...values) => values.map((v) => ({ figures: { x: v } }));

test('what has no aim is told and never missed', () => {
  const check = { what: 'x', figure: 'x', unit: '%' };
  const [row] = rows({ name: 's', checks: [check] }, [{ figures: { x: 3 } }, { figures: { x: 5 } }]);
  assert.deepEqual([row.aim, row.median, row.p95, row.verdict, row.met], ['told', '3.0 %', '5.0 %', '', true]);
});

test('the 95th percentile of ten runs is the worst of them', () => {
  assert.equal(percentile([3, 1, 2, 10, 4, 5, 6, 7, 8, 9], 0.95), 10);
  assert.equal(percentile([3, 1, 2], 0.5), 2);
});

test('an aim is met by the bad end of the runs, whichever end that is', () => {
  assert.equal(judge({ figure: 'x', max: 5 }, runs(1, 2, 5)).met, true);
  assert.equal(judge({ figure: 'x', max: 5 }, runs(1, 2, 6)).met, false);
  assert.equal(judge({ figure: 'x', min: 5 }, runs(5, 9)).met, true);
  assert.equal(judge({ figure: 'x', min: 5 }, runs(4, 9)).met, false);
});

test('a run that failed misses every aim, and so does none at all', () => {
  assert.equal(judge({ figure: 'x', max: 5 }, [...runs(1, 1), { figures: null }]).met, false);
  assert.equal(judge({ figure: 'x', min: 5 }, [...runs(9, 9), { figures: {} }]).met, false);
  assert.equal(judge({ figure: 'x', max: 5 }, []).met, false);
  const out = table(rows({ name: 'far', checks: [{ what: 'first', figure: 'x', unit: 'ms', max: 5 }] }, [{ figures: null }]));
  assert.match(out, /\| far +\| first +\| ≤ 5 ms \| – +\| – +\| 1 +\| MISS/);
});

const video = (gaps, last, sizes = [[0, 320, 180]]) => ({ gaps, last, sizes, frames: 100 });

test('gaps count that lie in the window, also one that has not ended', () => {
  assert.equal(longestGap({ from: 1000, to: 5000, videos: [video([[100, 700], [2000, 300]], 4900)] }), 300);
  assert.equal(longestGap({ from: 1000, to: 5000, videos: [video([], 2000)] }), 3000);
  assert.equal(longestGap({ from: 1000, to: 5000, videos: [video([], 0)] }), 4000);
  assert.equal(longestGap({ from: 1000, to: 5000, videos: [] }), 4000);
});

test('media is back when pictures go on after the gap; never, when they do not', () => {
  assert.equal(backAfter({ from: 1000, to: 9000, videos: [video([[100, 800], [1040, 900]], 8990)] }, 1000), 940);
  assert.equal(backAfter({ from: 1000, to: 9000, videos: [video([], 1040)] }, 1000), Infinity);
});

test('sound that was made up counts, also once it has faded into silence', () => {
  const audio = { kind: 'audio', packetsReceived: 50, totalSamplesReceived: 1000, concealedSamples: 100, silentConcealedSamples: 40 };
  assert.equal(concealed({ inbound: [audio] }), 10);
  assert.equal(concealed({ inbound: [{ ...audio, packetsReceived: 0 }] }), 100);
});

test('switches are changes of size and of pausing within the window', () => {
  const videos = [video([], 0, [[0, 320, 180], [500, 640, 360], [2000, 1280, 720]])];
  const slots = [{ at: 100, participant: 'p', paused: '' }, { at: 1500, participant: 'p', paused: 'bandwidth' }, { at: 1600, participant: 'p', paused: 'bandwidth' }];
  assert.equal(switches({ from: 1000, to: 3000, videos, slots }), 2);
});

test('a tile stands still when it does not move in the time in which the page was told nothing', () => {
  const seen = (frames, ...slots) => ({ from: 10_000, to: 30_000, videos: [{ participant: 'p', frames }], slots: slots.map(([at, paused]) => ({ at, participant: 'p', paused })) });
  assert.equal(stoodStill(seen(400, [2000, ''])), 0);
  assert.equal(stoodStill(seen(0, [2000, ''])), 1);
  assert.equal(stoodStill(seen(0)), 1, 'never told anything');
  assert.equal(stoodStill(seen(0, [2000, 'bandwidth'])), 0);
  assert.equal(stoodStill(seen(27, [2000, 'bandwidth'], [28_500, ''])), 0, 'told to be paused until shortly before the end');
  assert.equal(stoodStill(seen(0, [2000, 'bandwidth'], [20_000, ''])), 1, 'told that it goes on, and it did not');
  assert.equal(stoodStill(seen(2, [2000, ''], [12_000, 'bandwidth'])), 1, 'told only after two seconds that it is paused');
  assert.equal(stoodStill(seen(2, [2000, ''], [10_900, 'bandwidth'])), 0);
});

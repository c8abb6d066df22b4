import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PictureWait, Wait } from '../src/listening.js';

const after = (wait: Wait, periods: number, madeUp: number) => {
  for (let i = 0; i < periods; i++) wait.next(madeUp);
  return wait.ms;
};

test('good sound is played as soon as the browser likes', () => {
  assert.equal(after(new Wait(), 50, 0.001), 0);
});

test('one bad period is somebody who muted', () => {
  const wait = new Wait();
  for (let i = 0; i < 20; i++) after(wait, 1, i % 3 === 0 ? 0.1 : 0.01);
  assert.equal(wait.ms, 0);
});

test('sound that has to be made up again and again waits longer, within bounds, and no longer than needed', () => {
  const wait = new Wait();
  assert.equal(after(wait, 2, 0.05), 120);
  assert.equal(after(wait, 2, 0.05), 160);
  assert.equal(after(wait, 40, 0.05), 200);
  assert.equal(after(wait, 50, 0.01), 200, 'not good enough to hurry');
  assert.equal(after(wait, 10, 0), 160);
  assert.equal(after(wait, 30, 0), 0);
});

const shown = (wait: PictureWait, periods: number, requests: number, still = 0) => {
  for (let i = 0; i < periods; i++) wait.next(requests, still);
  return wait.ms;
};

test('a picture that needs no repair is shown at once, whatever else holds it up', () => {
  assert.equal(shown(new PictureWait(), 50, 0.01), 0);
  assert.equal(shown(new PictureWait(), 50, 0, 0.5), 0, 'who switches the camera off loses nothing');
});

test('a picture waits for its repairs, the longer the more there are', () => {
  assert.equal(shown(new PictureWait(), 1, 0.05), 100);
  assert.equal(shown(new PictureWait(), 1, 0.2), 150);
  assert.equal(shown(new PictureWait(), 1, 0.6), 250);
});

test('a picture that stands still for want of repairs waits longer, within bounds, and no longer than needed', () => {
  const wait = new PictureWait();
  assert.equal(shown(wait, 1, 0.02, 0.1), 150);
  assert.equal(shown(wait, 1, 0.02, 0.1), 200);
  assert.equal(shown(wait, 20, 0.02, 0.1), 300);
  assert.equal(shown(wait, 10, 0.2), 250);
  assert.equal(shown(wait, 100, 0.2), 150);
  assert.equal(shown(wait, 40, 0), 0);
});

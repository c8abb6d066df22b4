import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PauseReason, SlotView } from '@incamera/sdk';
import { onlySound } from '../src/state/slow.js';

const slot = (participant: string, paused: PauseReason, type: 'audio' | 'video' = 'video') =>
  ({ slot: 1, type, participant, kind: 'camera', paused, layer: 0 }) as unknown as SlotView;

test('sound only: nothing is shown, and only because the connection is slow', () => {
  assert.equal(onlySound([]), false, 'nobody is there');
  assert.equal(onlySound([slot('a', 'bandwidth'), slot('b', 'bandwidth'), slot('c', '', 'audio')]), true);
  assert.equal(onlySound([slot('a', 'bandwidth'), slot('b', '')]), false, 'one is seen');
  assert.equal(onlySound([slot('a', 'bandwidth'), slot('b', 'off'), slot('', '')]), true, 'a camera that is off says nothing');
  assert.equal(onlySound([slot('a', 'off')]), false);
  assert.equal(onlySound([slot('a', 'no_layer')]), false, 'their side');
});

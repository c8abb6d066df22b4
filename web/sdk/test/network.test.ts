import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkWatch } from '../src/network.js';

const pollMs = 5;

/** A watch over packets that come as listed per poll; the last entry repeats. */
async function told(came: readonly number[], during: (parts: { page: EventTarget; connection: EventTarget & { type?: string } }) => void = () => {}): Promise<string[]> {
  const said: string[] = [];
  const page = new EventTarget();
  const connection: EventTarget & { type?: string } = Object.assign(new EventTarget(), { type: 'wifi' });
  let sum = 0;
  let polls = 0;
  const done = new Promise<void>((resolve) => {
    const watch = new NetworkWatch({ window: page, connection, pollMs, host: {
      received: async () => {
        sum += came[Math.min(polls, came.length - 1)] ?? 0;
        if (++polls > came.length + 3) {
          watch.close();
          resolve();
        }
        return sum;
      },
      changed: (why) => said.push(why),
    } });
    during({ page, connection });
  });
  await done;
  return said;
}

test('a steady stream that ends is told once, and again when it was steady again', async () => {
  assert.deepEqual(await told([20, 20, 20, 20, 0]), ['silence']);
  assert.deepEqual(await told([20, 20, 20, 0, 0, 0, 20, 20, 20, 0]), ['silence', 'silence']);
});

test('neither a pause of one poll nor the end of a trickle is a change of the network', async () => {
  assert.deepEqual(await told([20, 20, 0, 20, 0, 20]), []);
  assert.deepEqual(await told([1, 0, 1, 0, 1, 1, 0, 0, 0]), []);
});

test('another transport, whose count begins anew, is no silence', async () => {
  assert.deepEqual(await told([20, 20, 20, -60, 0, 0, 0]), []);
});

test('what the browser says is told; a new guess of the speed is none', async () => {
  assert.deepEqual(await told([0], ({ page, connection }) => {
    connection.dispatchEvent(new Event('change'));
    connection.type = 'none';
    connection.dispatchEvent(new Event('change'));
    connection.type = 'cellular';
    connection.dispatchEvent(new Event('change'));
    page.dispatchEvent(new Event('online'));
  }), ['connection', 'online']);
});

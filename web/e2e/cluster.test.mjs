// Three media nodes, one signaling instance, a real redis-server: meetings are spread, a node that is stopped moves its
// people first, and a dead node's people go on.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { cluster, metric } from './lib/cluster.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { hearsOthers, invite, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';

describe('a deployment of several processes', { timeout: 240_000 }, () => {
  let house, chromium, lin, zhao, sun;
  const people = (node) => metric(node.admin, 'incamera_sfu_participants');

  before(async () => {
    house = await cluster();
    chromium = await launchChromium();
    [lin, zhao, sun] = [await chromium.person(), await chromium.person(), await chromium.person()];
    await setUp(lin, house);
    await invite(lin, zhao, house, { name: 'Zhao Heng', login: 'zhao.heng' });
    await invite(lin, sun, house, { name: 'Sun Wei', login: 'sun.wei' });
  });
  after(async () => {
    await chromium?.close();
    await house?.stop();
  });

  test('two meetings go to two nodes of three, and one meeting stays on one', async () => {
    const first = await startMeeting(lin, house);
    await join(lin);
    await zhao.goto(first);
    await join(zhao);
    await seesOthers(lin, 1);
    await startMeeting(sun, house);
    await join(sun);
    const spread = await Promise.all(house.nodes.map(people));
    assert.deepEqual([...spread].sort(), [0, 1, 2], `participants by node: ${spread}`);
  });

  /** The node with two people, among those that run. */
  const theirs = async () => {
    for (const n of house.nodes) if (!n.process.ended && (await people(n)) === 2) return n;
    return null;
  };
  const second = (p, transports) => p.until((n) => globalThis.__observer.facts().pcs >= n && globalThis.__observer.pcs.at(-1).connectionState === 'connected', transports, { what: `transport ${transports}` });

  test('a node that is told to stop moves its people first, and nobody notices more than a switch', async () => {
    const old = await theirs();
    const [sockets, frames] = [await lin.evaluate(() => globalThis.__observer.socketsOpened()), seesOthers(lin, 1, 60)];
    const ended = await old.process.stop('SIGTERM');
    assert.deepEqual(ended, { code: 0, signal: null });
    await Promise.all([second(lin, 2), second(zhao, 2)]);
    await frames;
    await Promise.all([seesOthers(lin, 1, 5), seesOthers(zhao, 1, 5), hearsOthers(lin, 1)]);
    assert.equal(await lin.evaluate(() => globalThis.__observer.socketsOpened()), sockets);
  });

  test('the node dies: its people see and hear each other again, over the sockets they had', async () => {
    const dead = await theirs();
    assert.ok(dead, 'a node with two people');
    const sockets = await lin.evaluate(() => globalThis.__observer.socketsOpened());
    const killed = Date.now();
    await dead.process.stop('SIGKILL');
    await Promise.all([second(lin, 3), second(zhao, 3)]);
    await Promise.all([seesOthers(lin, 1, 5), seesOthers(zhao, 1, 5), hearsOthers(lin, 1)]);
    console.log(`moved and playing ${Date.now() - killed} ms after the kill`);
    assert.equal(await lin.evaluate(() => globalThis.__observer.socketsOpened()), sockets, 'the socket lived on');
    assert.equal(await people(house.nodes.find((n) => !n.process.ended)), 3);
    assert.equal(await lin.evaluate(() => globalThis.__room.self.role), 'host');
  });
});

// Two media nodes, one signaling instance, a real redis-server: meetings are spread, and a dead node's people go on.
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

  test('two meetings go to two nodes, and one meeting stays on one', async () => {
    const first = await startMeeting(lin, house);
    await join(lin);
    await zhao.goto(first);
    await join(zhao);
    await seesOthers(lin, 1);
    await startMeeting(sun, house);
    await join(sun);
    const spread = await Promise.all(house.nodes.map(people));
    assert.deepEqual([...spread].sort(), [1, 2], `participants by node: ${spread}`);
  });

  test('the node dies: its people see and hear each other again, over the sockets they had', async () => {
    const counts = await Promise.all(house.nodes.map(people));
    const dead = house.nodes[counts.indexOf(2)];
    const sockets = await lin.evaluate(() => globalThis.__observer.socketsOpened());
    const killed = Date.now();
    await dead.process.stop('SIGKILL');
    await Promise.all([lin, zhao].map((p) => p.until(() => globalThis.__observer.facts().pcs >= 2 && globalThis.__observer.pcs.at(-1).connectionState === 'connected', null, { what: 'a second transport' })));
    await Promise.all([seesOthers(lin, 1, 5), seesOthers(zhao, 1, 5), hearsOthers(lin, 1)]);
    console.log(`moved and playing ${Date.now() - killed} ms after the kill`);
    assert.equal(await lin.evaluate(() => globalThis.__observer.socketsOpened()), sockets, 'the socket lived on');
    assert.equal(await people(house.nodes.find((n) => n !== dead)), 3);
    assert.equal(await lin.evaluate(() => globalThis.__room.self.role), 'host');
  });
});

// A room larger than one shard, and a server that has too much to do, on the real binary.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { hearsOthers, invite, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';
import { series } from './lib/metrics.mjs';

async function picture(name) {
  const dir = new URL('../../build/screenshots/', import.meta.url).pathname;
  await mkdir(dir, { recursive: true });
  return dir + name;
}

const metric = async (server, name) => [...(await series(server.admin, name)).values()].reduce((a, b) => a + b, 0);

/** Two people in one room of a server with these settings. */
async function two(settings) {
  const server = await serve({ INCAMERA_MEDIA_SHARDS: '2', ...settings });
  const chromium = await launchChromium();
  const lin = await chromium.person();
  const zhao = await chromium.person();
  await setUp(lin, server);
  await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
  const link = await startMeeting(lin, server);
  await join(lin);
  await zhao.goto(link);
  await join(zhao);
  return {
    server, lin, zhao,
    async close() {
      await chromium.close();
      await server.stop();
    },
  };
}

describe('a room that is spread over two shards', { timeout: 120_000 }, () => {
  let m;
  before(async () => { m = await two({ INCAMERA_MEDIA_ROOM_PART: '1' }); });
  after(() => m?.close());

  test('people on both see and hear each other', async () => {
    await Promise.all([m.lin, m.zhao].map(async (p) => {
      await seesOthers(p, 1);
      await hearsOthers(p, 1);
    }));
    assert.equal(await metric(m.server, 'incamera_sfu_room_parts'), 2);
    assert.ok(await metric(m.server, 'incamera_sfu_handover_packets_total') > 100);
  });

  test('a camera that is switched off and on again is gone and comes back', async () => {
    await m.lin.click('dock-camera');
    await m.zhao.until(() => [...globalThis.__room.participants.values()].some((p) => p.media.some((s) => s.kind === 'camera' && !s.on)), null, { what: 'a camera that is off' });
    await m.lin.click('dock-camera');
    await seesOthers(m.zhao, 1);
  });
});

describe('a server that has too much to do', { timeout: 120_000 }, () => {
  let m;
  before(async () => { m = await two({ INCAMERA_MEDIA_SHED_LOAD_PERMILL: '1' }); }); // what others call idle
  after(() => m?.close());

  test('pictures pause, people are told why, and sound goes on', async () => {
    await m.zhao.until(() => [...document.querySelectorAll('[data-testid="picture-cue"]')].some((e) => /server is busy/.test(e.textContent)), null, { ms: 40_000, what: 'the reason' });
    await hearsOthers(m.zhao, 1);
    assert.ok(await metric(m.server, 'incamera_sfu_shed_layers_total') > 0);
  });

  test('the reason can be read on phones and desktops, in both languages', async () => {
    for (const [width, height] of [[390, 844], [1440, 900]]) {
      await m.zhao.page.setViewportSize({ width, height });
      for (const language of ['en', 'zh']) {
        await m.zhao.page.waitForTimeout(600); // tiles move to their places
        await m.zhao.screenshot(await picture(`overload-${language}-${width}.png`));
        await m.zhao.click('dock-more');
        await m.zhao.click('language');
        await m.zhao.page.keyboard.press('Escape');
        await m.zhao.gone('panel-more');
      }
    }
  });
});

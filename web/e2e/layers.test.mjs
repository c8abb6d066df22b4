// Layers within one stream: each viewer gets what its picture needs, up and down, in clear and with encrypted frames.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { serve } from './lib/server.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { portalClient } from './lib/portal.mjs';
import { enter, layersPage, received, wish } from './lib/layers.mjs';

const camera = { width: 960, height: 540, frameRate: 10 };

describe('layers within a stream', { timeout: 240_000 }, () => {
  let server, page, browsers;
  before(async () => {
    server = await serve();
    page = await layersPage();
    browsers = [await launchChromium(), await launchFirefox()];
  });
  after(async () => {
    for (const b of browsers ?? []) await b.close();
    await page?.stop();
    await server?.stop();
  });

  /** Waits for a picture about this wide, then for some more of it: a stalled decoder gives none. */
  async function shows(person, width, what) {
    const about = (w) => Math.abs(w - width) <= 2;
    const end = Date.now() + 12_000;
    let now;
    do {
      now = await received(person);
      if (Date.now() > end) assert.fail(`${person.browser}, ${what}: ${JSON.stringify(now)} instead of ${width} wide`);
      await new Promise((r) => setTimeout(r, 100));
    } while (!about(now.width));
    const from = await received(person);
    await new Promise((r) => setTimeout(r, 1500));
    const to = await received(person);
    assert.ok(to.frames - from.frames >= 5, `${person.browser}, ${what}: ${to.frames - from.frames} frames in 1.5 s`);
    return to;
  }

  for (const codec of ['vp9', 'av1']) {
    for (const encrypted of [false, true]) {
      const name = `${codec}${encrypted ? ' encrypted' : ''}`;
      test(`${name}: a viewer goes down and up again, and the picture goes on`, async () => {
        const client = await portalClient(server, `layers-${codec}-${encrypted}`, [page.origin]);
        const people = [];
        try {
          const publisher = await browsers[0].person();
          people.push(publisher);
          await enter(publisher, { origin: page.origin, server, client, name: 'Pub', codec, encrypted, camera });
          const viewers = [];
          for (const b of browsers) {
            const viewer = await b.person();
            people.push(viewer);
            viewers.push(viewer);
            await enter(viewer, { origin: page.origin, server, client, name: b.name, codec, encrypted, camera: null });
          }
          for (const width of [960, 240, 480, 960, 240]) {
            for (const viewer of viewers) await wish(viewer, width);
            const seen = await Promise.all(viewers.map((v) => shows(v, width, `${name} at ${width}`)));
            for (const s of seen) assert.ok(s.asked <= 6, `${s.asked} pictures were asked for: a decoder is in trouble`);
          }
          const mode = async () => (await publisher.outbound('video'))[0]?.scalabilityMode ?? '';
          assert.match(await mode(), /^L[123]T3/, 'one encoding with layers');
          if (encrypted) return;
          // Everybody looks at the smallest now: the others are not encoded any more, until they are asked for.
          for (const end = Date.now() + 12_000; await mode() !== 'L1T3';) {
            assert.ok(Date.now() < end, `still encoded as ${await mode()}`);
            await new Promise((r) => setTimeout(r, 200));
          }
          for (const width of [240, 960]) {
            for (const viewer of viewers) await wish(viewer, width);
            await Promise.all(viewers.map((v) => shows(v, width, `${name}, after layers were switched off, at ${width}`)));
          }
          assert.equal((await publisher.facts()).offers, 1, 'nothing was negotiated for it');
        } finally {
          await Promise.all(people.map((p) => p.close()));
        }
      });
    }
  }
});

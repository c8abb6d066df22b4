// Screens and devices: what changes in a meeting without a new offer, and what happens when many want to share.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { hearsOthers, invite, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';

async function picture(name) {
  const dir = new URL('../../build/screenshots/', import.meta.url).pathname;
  await mkdir(dir, { recursive: true });
  return dir + name;
}

describe('screens and devices', { timeout: 120_000 }, () => {
  let server, chromium, lin, zhao, chen, people, offers;

  before(async () => {
    server = await serve();
    chromium = await launchChromium();
    [lin, zhao, chen] = await Promise.all([chromium.person(), chromium.person(), chromium.person()]);
    people = [lin, zhao, chen];
    await setUp(lin, server);
    await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
    await invite(lin, chen, server, { name: 'Chen Jing', login: 'chen.jing' });
    const link = await startMeeting(lin, server);
    await join(lin);
    for (const p of [zhao, chen]) {
      await p.goto(link);
      await join(p);
    }
    await Promise.all(people.map((p) => seesOthers(p, 2)));
    offers = await Promise.all(people.map((p) => p.facts()));
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  /** How a person's screen is sent now. */
  const sent = (p) => p.evaluate(() => {
    const { screen, screenSettings } = globalThis.__room.media;
    const sender = globalThis.__observer.pcs.flatMap((pc) => pc.getSenders()).find((s) => s.track && s.track === screen.track);
    const { degradationPreference, encodings } = sender?.getParameters() ?? {};
    return { ...screenSettings, hint: screen.track?.contentHint, degradationPreference, fps: encodings?.map((e) => e.maxFramerate) };
  });
  const screens = (p, n) => p.until((n) =>
    [...document.querySelectorAll('[data-testid="tile"][data-kind="screen"] video')].filter((v) => v.videoWidth > 0 && v.readyState >= 2).length >= n, n, { what: `${n} screens`, ms: 20_000 });
  const on = (p, kind, is) => p.until(([kind, is]) => globalThis.__room.media[kind].on === is, [kind, is], { what: `${kind} ${is}` });
  const noOffers = async (what) => assert.deepEqual(await Promise.all(people.map((p) => p.facts())), offers, `${what} negotiates nothing`);

  test('a screen is shared sharp, and made smooth while it is shared', async () => {
    await zhao.click('dock-share');
    await screens(lin, 1);
    assert.deepEqual(await sent(zhao), { mode: 'detail', framesPerSecond: 15, hint: 'detail', degradationPreference: 'maintain-resolution', fps: [5, 15] });
    await zhao.click('dock-more');
    await zhao.click('screen-motion');
    await zhao.until(() => globalThis.__room.media.screenSettings.mode === 'motion');
    assert.deepEqual(await sent(zhao), { mode: 'motion', framesPerSecond: 30, hint: 'motion', degradationPreference: 'maintain-framerate', fps: [15, 30] });
    await zhao.evaluate(() => globalThis.__room.setScreenMode('detail', 5));
    assert.deepEqual((await sent(zhao)).fps, [5, 5]);
    await zhao.evaluate(() => globalThis.__room.setScreenMode('motion'));
    await screens(lin, 1);
    await noOffers('another mode');
  });

  test('the choice can be read on phones and desktops, in both languages', async () => {
    for (const [width, height] of [[1440, 900], [390, 844]]) {
      await zhao.page.setViewportSize({ width, height });
      for (const language of ['en', 'zh']) {
        if (await zhao.evaluate(() => !document.querySelector('[data-testid="panel-more"]'))) await zhao.click('dock-more');
        await zhao.see('screen-motion');
        await zhao.page.locator('[data-testid="screen-motion"]').scrollIntoViewIfNeeded();
        await zhao.screenshot(await picture(`share-${language}-${width}.png`));
        await zhao.click('language');
      }
    }
    await zhao.page.setViewportSize({ width: 1280, height: 800 });
  });

  test('two share at once, a third is told to wait until one has stopped', async () => {
    await lin.click('dock-share');
    await screens(chen, 2);
    await chen.click('dock-share');
    await chen.until(() => /sharing their screens already/.test(document.body.innerText), null, { what: 'why not' });
    await on(chen, 'screen', false);
    await zhao.evaluate(() => globalThis.__room.shareScreen(false));
    await chen.until(() => globalThis.__room.state && [...globalThis.__room.participants.values()].filter((p) => p.media.some((m) => m.kind === 'screen' && m.on)).length === 1, null, { what: 'one screen is left' });
    await chen.click('dock-share');
    await on(chen, 'screen', true);
    await screens(zhao, 2);
    await Promise.all([lin, chen].map((p) => p.evaluate(() => globalThis.__room.shareScreen(false))));
    await noOffers('sharing');
  });

  test('camera off and on, mute and another device go without an offer, and are seen and heard again', async () => {
    await zhao.evaluate(() => globalThis.__room.setCamera(false));
    await on(zhao, 'camera', false);
    await zhao.evaluate(() => globalThis.__room.setCamera(true));
    await zhao.evaluate(() => globalThis.__room.setMic(false));
    await zhao.evaluate(() => globalThis.__room.setMic(true));
    const changed = await zhao.evaluate(async () => {
      const ids = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.deviceId !== '');
      const used = [];
      for (const [kind, type] of [['mic', 'audioinput'], ['camera', 'videoinput']]) {
        const before = globalThis.__room.media[kind].track;
        const other = ids.filter((d) => d.kind === type).at(-1);
        await globalThis.__room.switchDevice(kind, other.deviceId);
        const now = globalThis.__room.media[kind].track;
        used.push(now !== before && before.readyState === 'ended' && now.readyState === 'live' && now.getSettings().deviceId === other.deviceId);
      }
      const speaker = ids.filter((d) => d.kind === 'audiooutput').at(-1);
      await globalThis.__room.setOutput(speaker?.deviceId ?? '');
      return used;
    });
    assert.deepEqual(changed, [true, true]);
    await seesOthers(lin, 2);
    await hearsOthers(lin, 2);
    await noOffers('another device');
  });

  test('a microphone that is pulled out is replaced by the one that is left', async () => {
    await zhao.evaluate(() => {
      const { track } = globalThis.__room.media.mic;
      globalThis.__pulled = track;
      track.stop();
      track.dispatchEvent(new Event('ended')); // what the browser says when a device is gone
    });
    await zhao.until(() => globalThis.__room.media.mic.on && globalThis.__room.media.mic.track !== globalThis.__pulled && globalThis.__room.media.mic.track?.readyState === 'live');
    await hearsOthers(lin, 2);
    await noOffers('a lost device');
  });

  test('sound goes as redundant packets, and what is lost is asked for', async () => {
    const lines = await lin.evaluate(() => globalThis.__observer.pcs.at(-1).remoteDescription.sdp.split(/\r?\n/));
    assert.ok(lines.filter((l) => l.startsWith('m=audio')).every((l) => / 63 111$/.test(l)), 'redundancy comes first');
    assert.ok(lines.includes('a=fmtp:63 111/111') && lines.includes('a=rtcp-fb:111 nack'));
    assert.ok(lines.some((l) => /^a=fmtp:111 .*useinbandfec=1/.test(l)) && lines.some((l) => /^a=fmtp:111 .*usedtx=1/.test(l)));
  });

  test('who speaks is told with a level between 0 and 1', async () => {
    const volumes = await lin.evaluate(() => new Promise((resolve) => {
      const heard = [];
      const stop = globalThis.__room.on('speakers', (list) => {
        heard.push(...list.map((s) => s.volume));
        if (heard.length >= 3) { stop(); resolve(heard); }
      });
      setTimeout(() => { stop(); resolve(heard); }, 8000);
    }));
    assert.ok(volumes.length > 0 && volumes.every((v) => v > 0 && v <= 1), `${volumes}`);
  });
});

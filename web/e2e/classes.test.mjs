// Classes of rooms in a browser: the choice, the watermark and what takes it away, pages that may not come in, and a room
// that is made stricter while people are inside.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { binary, freePort, serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { portal, portalClient } from './lib/portal.mjs';
import { code, invite, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';

const run = promisify(execFile);
const shots = process.env.SHOTS; // a directory for pictures to look at

describe('classes of rooms', { timeout: 400_000 }, () => {
  let server, chromium, lin, wei, guest, account, boss, room, plain;

  const api = (person, method, path, body) => person.evaluate(async ([how, where, what]) => {
    const r = await fetch(`/api/v1${where}`, { method: how, ...(what && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(what) }) });
    return { status: r.status, body: r.status === 204 ? null : await r.json() };
  }, [method, path, body]);
  const change = (person, body) => api(person, 'PATCH', `/rooms/${room}`, body);
  const layer = '[data-incamera="watermark"]';
  const shot = (person, name) => (shots ? person.screenshot(`${shots}/${name}.png`) : undefined);

  /** What the watermark's canvas holds: dots that are drawn, of all. */
  const drawn = (person) => person.evaluate((sel) => {
    const c = document.querySelector(sel);
    const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
    let dots = 0;
    for (let k = 3; k < data.length; k += 4) if (data[k] > 20) dots++;
    return { dots, all: c.width * c.height, covers: c.clientWidth === document.getElementById('stage').clientWidth && c.clientHeight === document.getElementById('stage').clientHeight };
  }, layer);

  /** Which part of the stage looks otherwise in one picture than in another, as the browser painted them. */
  const differing = (person, one, other) => person.evaluate(async (pictures) => {
    const [a, b] = await Promise.all(pictures.map(async (text) => {
      const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type: 'image/png' }));
      const c = new OffscreenCanvas(picture.width, picture.height);
      c.getContext('2d').drawImage(picture, 0, 0);
      return c.getContext('2d').getImageData(0, 0, c.width, c.height);
    }));
    let dots = 0;
    for (let k = 0; k < a.data.length; k += 4) if (Math.abs(a.data[k] - b.data[k]) + Math.abs(a.data[k + 1] - b.data[k + 1]) + Math.abs(a.data[k + 2] - b.data[k + 2]) > 24) dots++;
    return dots / (a.data.length / 4);
  }, [one.toString('base64'), other.toString('base64')]);
  const stage = (person) => person.page.locator('#stage').screenshot();

  before(async () => {
    server = await serve();
    chromium = await launchChromium();
    [lin, wei, guest] = [await chromium.person(), await chromium.person(), await chromium.person()];
    boss = await setUp(lin, server);
    account = { ...await invite(lin, wei, server, { name: 'Wei Chen', login: 'wei.chen' }), at: Date.now() };
    await lin.goto(server.url);
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('a class is chosen when a room is made, with a sentence of what it means', async () => {
    await lin.see('home-class');
    const offered = await lin.evaluate(() => [...document.querySelectorAll('[data-testid="home-class"] option')].map((o) => o.value));
    assert.deepEqual(offered, ['open', 'internal', 'confidential', 'secret']);
    const before = await lin.text('home-class-text');
    await lin.page.locator('[data-testid="home-class"]').selectOption('confidential');
    const sentence = await lin.text('home-class-text');
    assert.notEqual(sentence, before);
    assert.match(sentence, /wait for a host; pictures carry the name of who looks; no recording\./);
    await lin.page.locator('[data-testid="home-class"]').selectOption('internal');
    const mine = await api(wei, 'GET', '/rooms');
    assert.ok(!mine.body.classes.some((c) => c.class === 'secret'), 'a user makes no secret rooms');
  });

  test('an internal room has no watermark (control)', async () => {
    const link = await startMeeting(lin, server);
    room = link.slice(-10);
    await join(lin);
    await wei.goto(link);
    await join(wei);
    await seesOthers(wei, 1);
    await guest.goto(link);
    await guest.fill('prejoin-name', 'Aylin Demir');
    await guest.click('prejoin-join');
    await lin.until(() => globalThis.__room.waiting.length === 1, null, { what: 'the guest at the door' });
    await lin.evaluate(() => globalThis.__room.admit(globalThis.__room.waiting[0].id));
    await guest.see('dock-leave');
    assert.equal(await wei.evaluate((sel) => document.querySelector(sel) === null, layer), true);
    // Nothing moves on the stage of somebody who sees three people without cameras.
    for (const person of [lin, wei, guest]) if (await person.evaluate(() => globalThis.__room.media.camera.on)) await person.click('dock-camera');
    await wei.until(() => document.querySelectorAll('[data-testid="tile"][data-video="false"]').length === 3, null, { what: 'three tiles without pictures' });
    await wei.page.waitForTimeout(1000);
    plain = await stage(wei);
    assert.ok(await differing(wei, plain, await stage(wei)) < 0.002, 'nothing moves');
  });

  test('made stricter while people are inside, it has one for each of them, in the server\'s words', async () => {
    const loose = await change(lin, { version: 1, class: 'open' });
    assert.deepEqual([loose.status, loose.body.error?.code], [409, 'room_in_use']);
    const done = await change(lin, { version: 1, class: 'confidential' });
    assert.equal(done.status, 200, JSON.stringify(done.body));
    for (const [person, name] of [[lin, 'Lin Yue · lin.yue'], [wei, 'Wei Chen · wei.chen']]) {
      await person.until((sel) => document.querySelector(sel) !== null, layer, { ms: 5000, what: 'the watermark' });
      await person.until(() => document.querySelector('.banner-confidential') !== null, null, { ms: 5000, what: 'the class on the banner' });
      const text = await person.evaluate(() => document.querySelector('.banner').textContent);
      assert.match(text, /your name lies over the pictures/);
      const { dots, all, covers } = await drawn(person);
      assert.ok(covers && dots > all / 400, `${dots} of ${all} dots for ${name}`);
    }
    await wei.page.waitForTimeout(500);
    const share = await differing(wei, plain, await stage(wei));
    assert.ok(share > 0.01, `the eye sees it on ${(share * 100).toFixed(2)} % of the stage`);
    for (const person of [lin, wei]) await person.click('dock-camera');
    await wei.page.waitForTimeout(1500);
    await shot(wei, 'meeting-desktop-en');
    assert.equal((await change(lin, { version: 1, class: 'secret' })).body.error.code, 'conflict', 'somebody else was first');
  });

  test('removed, hidden, resized or wiped, it comes back', async () => {
    const again = () => wei.until((sel) => {
      const c = document.querySelector(sel);
      if (!c || c.clientWidth < 100 || getComputedStyle(c).display === 'none' || getComputedStyle(c).opacity !== '1') return false;
      const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
      return data.some((v, i) => i % 4 === 3 && v > 20);
    }, layer, { ms: 5000, what: 'the watermark again' });
    for (const spoil of [
      (sel) => document.querySelector(sel).remove(),
      (sel) => document.querySelector(sel).style.setProperty('display', 'none', 'important'),
      (sel) => document.querySelector(sel).setAttribute('hidden', ''),
      (sel) => { document.querySelector(sel).width = 1; },
      (sel) => { const c = document.querySelector(sel); c.getContext('2d').clearRect(0, 0, 1e4, 1e4); },
      (sel) => { document.head.append(Object.assign(document.createElement('style'), { textContent: `${sel} { display: none !important; }` })); },
    ]) {
      await wei.evaluate(spoil, layer);
      await again();
    }
    assert.equal(await wei.evaluate((sel) => document.querySelectorAll(sel).length, layer), 1);
  });

  test('asked for a fresh factor, those inside are asked for it in the meeting, and stay when they give it', async () => {
    await wei.page.waitForTimeout(Math.max(0, 80_000 - (Date.now() - account.at))); // Wei's is older than a minute
    const fresh = await api(lin, 'POST', '/second-factor', { code: code(boss.secret) });
    assert.equal(fresh.status, 200, JSON.stringify(fresh.body));
    const done = await change(lin, { version: 2, max_age: 60 });
    assert.equal(done.status, 200, JSON.stringify(done.body));
    await wei.see('stepup', { ms: 5000 });
    assert.equal(await lin.evaluate(() => document.querySelector('[data-testid="stepup"]') === null), true, 'who gave it just now is not asked');
    assert.deepEqual(await wei.evaluate(() => globalThis.__room.standing.restrictions), ['listen_only']);
    await wei.fill('otp-input', code(account.secret));
    await wei.gone('stepup');
    await wei.until(() => globalThis.__room.standing.restrictions.length === 0, null, { what: 'the rights again' });
  });

  test('a guest is out within five seconds of the room taking none, and the others stay', async () => {
    const done = await change(lin, { version: 3, class: 'secret' });
    assert.equal(done.status, 200, JSON.stringify(done.body));
    await guest.see('end-reason', { ms: 5000 });
    assert.equal(await guest.evaluate(() => document.querySelector('[data-testid="end-reason"]').dataset.reason), 'policy');
    for (const person of [lin, wei]) assert.equal(await person.evaluate(() => document.querySelector('[data-testid="dock-leave"]') !== null), true);
    const trail = await api(lin, 'GET', '/audit?verb=room.update&limit=5');
    assert.deepEqual(trail.body.entries.filter((e) => e.result === 'ok').map((e) => e.meta), [
      { class: 'confidential → secret' }, { max_age: '0 → 60' }, { class: 'internal → confidential' },
    ]);
  });

  test('pictures of the screens, in both languages and sizes', { skip: !shots }, async () => {
    for (const [name, options] of Object.entries({
      'phone-en': { viewport: { width: 390, height: 844 } }, 'phone-zh': { viewport: { width: 390, height: 844 }, locale: 'zh-CN' },
      'desktop-en': { viewport: { width: 1440, height: 900 } }, 'desktop-zh': { viewport: { width: 1440, height: 900 }, locale: 'zh-CN' },
    })) {
      const who = await chromium.person({ ...options, storageState: await lin.page.context().storageState() });
      await who.page.setViewportSize(options.viewport);
      await who.goto(server.url);
      await who.see('home-class');
      await who.page.locator('[data-testid="home-class"]').selectOption('confidential');
      await shot(who, `home-${name}`);
      await startMeeting(who, server);
      await join(who);
      await who.until((sel) => document.querySelector(sel) !== null, layer);
      await who.page.waitForTimeout(2500);
      await shot(who, `meeting-${name}`);
      await who.close();
    }
  });

  test('a portal\'s own page is kept out of a room with a watermark until the portal is trusted', async () => {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const client = await portalClient(server, 'casework', [origin]);
    const made = await client.post('rooms', { title: 'Case 4712', class: 'confidential' });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    client.room = made.body.id;
    const at = await portal(server, client, port, { id: 'u-1', name: 'Ada of the portal' });
    const ada = await chromium.person();
    const enter = async () => {
      await ada.goto(`${at.origin}/`);
      const jkt = await ada.evaluate(async ([url, id]) => {
        const sdk = await import(`${url}/sdk/incamera.js`);
        globalThis.sdk = sdk;
        globalThis.prepared = sdk.prepare({ url, room: id });
        return globalThis.prepared.jkt;
      }, [server.url, client.room]);
      const token = await at.token(jkt);
      return ada.evaluate((t) => globalThis.prepared.connect({ token: t }).then((r) => {
        globalThis.meeting = r;
        globalThis.sdk.watermark(document.getElementById('people'), r);
        return `joined, ${r.watermark}`;
      }, (e) => e.code), token);
    };
    try {
      assert.equal(await enter(), 'client_not_trusted');
      await run(binary, ['admin', 'client', 'trust', '--id', client.id], { env: { PATH: process.env.PATH, INCAMERA_DATA_DIR: server.dir, INCAMERA_HTTP_PUBLIC_URL: server.url } });
      assert.match(await enter(), /^joined, Ada of the portal · u-1 · \d{4}-\d\d-\d\d /);
      assert.equal(await ada.evaluate((sel) => document.querySelectorAll(`#people ${sel}`).length, layer), 1, 'the page draws it with one line');
      const gone = ada.evaluate(() => new Promise((done) => { globalThis.meeting.on('ended', ({ reason }) => done(reason)); }));
      await run(binary, ['admin', 'client', 'trust', '--id', client.id, '--off'], { env: { PATH: process.env.PATH, INCAMERA_DATA_DIR: server.dir, INCAMERA_HTTP_PUBLIC_URL: server.url } });
      assert.equal(await Promise.race([gone, new Promise((r) => { setTimeout(() => r('still there'), 8000); })]), 'policy');
      assert.equal(await ada.evaluate((sel) => document.querySelector(sel) === null, layer), true, 'the drawing ends with the meeting');
    } finally {
      await at.stop();
    }
  });
});

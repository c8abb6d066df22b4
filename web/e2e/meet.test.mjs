// People meet: the main job, with two Chromiums and a Firefox on the real binary.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { serve } from './lib/server.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { hearsOthers, invite, join, seesOthers, setUp, signIn, startMeeting, tiles } from './lib/people.mjs';

/** Where screenshots of a run go. */
async function picture(name) {
  const dir = new URL('../../build/screenshots/', import.meta.url).pathname;
  await mkdir(dir, { recursive: true });
  return dir + name;
}

describe('three people meet', { timeout: 240_000 }, () => {
  let server, chromium, firefox, lin, zhao, chen, link;
  const accounts = {};

  before(async () => {
    server = await serve();
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
    lin = await chromium.person();
    zhao = await chromium.person();
    chen = await firefox.person();
  });
  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await server?.stop();
  });

  test('the first account is made from the printed link, with a second factor', async () => {
    accounts.lin = await setUp(lin, server);
    assert.ok(accounts.lin.recovery.length >= 8, 'recovery codes');
  });

  test('others accept invitations and sign in with password and code', async () => {
    accounts.zhao = await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
    accounts.chen = await invite(lin, chen, server, { name: 'Chen Jing', login: 'chen.jing' });
    await chen.evaluate(() => fetch('/api/v1/sign-out', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' }));
    await signIn(chen, server, accounts.chen);
  });

  test('they join one room and each sees and hears the others', async () => {
    link = await startMeeting(lin, server);
    await join(lin);
    await zhao.goto(link);
    await join(zhao);
    await chen.goto(link);
    await join(chen);
    await Promise.all([lin, zhao, chen].map(async (p) => {
      await seesOthers(p, 2);
      await hearsOthers(p, 2);
    }));
    for (const p of [lin, zhao, chen]) {
      // A machine without CPU to spare looks like a bad line, and a tile may rest for a moment.
      for (const end = Date.now() + 5000; ;) {
        const all = await tiles(p);
        if (all.filter((t) => t.kind === 'camera' && t.playing && t.width >= 160 && t.height >= 90).length >= 2) break;
        assert.ok(Date.now() < end, `${p.browser} shows ${JSON.stringify(all)}`);
        await new Promise((r) => setTimeout(r, 100));
      }
    }
    await lin.screenshot(await picture('meeting.png')); // the README shows a copy of it
  });

  test('media is AEAD AES-GCM all the way', async () => {
    for (const p of [lin, zhao]) {
      const [t] = (await p.transport()).filter((r) => r.srtpCipher);
      assert.match(t.srtpCipher, /^(SRTP_)?AEAD_AES_(128|256)_GCM$/, `${p.browser}: ${t.srtpCipher}`);
    }
  });

  test('a fourth person joins and nobody else negotiates anything', async () => {
    const people = [lin, zhao, chen];
    const earlier = await Promise.all(people.map((p) => p.facts()));
    const sun = await chromium.person();
    accounts.sun = await invite(lin, sun, server, { name: 'Sun Wei', login: 'sun.wei' }).catch((e) => { throw e; });
    await sun.goto(link);
    await join(sun);
    await seesOthers(sun, 3);
    await Promise.all(people.map((p) => seesOthers(p, 3)));
    assert.deepEqual(await Promise.all(people.map((p) => p.facts())), earlier);
    await sun.click('dock-leave');
    await sun.close();
  });

  /** The participant id of a person by name, from anybody's roster. */
  const idOf = (person, name) => person.until((n) => {
    for (const p of globalThis.__room?.participants?.values() ?? []) if (p.name === n) return p.id;
    return null;
  }, name, { what: `${name} in the roster` });

  test('the microphone is muted on both sides of the wire', async () => {
    const id = await idOf(lin, 'Zhao Heng');
    await zhao.click('dock-mic');
    await lin.until(([p]) => globalThis.__room.participants.get(p)?.media.find((m) => m.kind === 'mic')?.on === false, [id], { what: 'mute seen' });
    await zhao.click('dock-mic');
    await lin.until(([p]) => globalThis.__room.participants.get(p)?.media.find((m) => m.kind === 'mic')?.on === true, [id], { what: 'unmute seen' });
  });

  test('the host mutes a person, who is told and can unmute', async () => {
    const id = await idOf(lin, 'Chen Jing');
    await lin.evaluate((p) => globalThis.__room.mute(p, 'mic'), id);
    await chen.until(() => globalThis.__room.participants.get(globalThis.__room.self.id).media.find((m) => m.kind === 'mic').on === false, null, { what: 'muted by the host' });
    await chen.click('dock-mic');
    await lin.until(([p]) => globalThis.__room.participants.get(p)?.media.find((m) => m.kind === 'mic')?.on === true, [id], { what: 'unmuted' });
  });

  test('a shared screen is a second picture, without negotiation', async () => {
    const earlier = await Promise.all([lin, zhao, chen].map((p) => p.facts()));
    await zhao.click('dock-share');
    for (const p of [lin, chen]) {
      await p.until(() => [...document.querySelectorAll('[data-testid="tile"][data-kind="screen"] video')].some((v) => v.videoWidth > 0 && v.readyState >= 2), null, { what: 'the shared screen', ms: 20_000 });
    }
    assert.deepEqual(await Promise.all([lin, zhao, chen].map((p) => p.facts())), earlier);
    await zhao.click('dock-share');
    await lin.until(() => !document.querySelector('[data-testid="tile"][data-kind="screen"]'), null, { what: 'the share ends' });
  });

  test('chat reaches everyone and a hand goes up', async () => {
    await chen.click('dock-chat');
    await chen.fill('chat-input', '您好 — can you see this? <b>no markup</b>');
    await chen.click('chat-send');
    await lin.click('dock-chat');
    await lin.until(() => [...document.querySelectorAll('[data-testid="chat-message"]')].some((m) => m.textContent.includes('<b>no markup</b>')), null, { what: 'the line, as text' });
    await zhao.click('dock-hand');
    const id = await idOf(lin, 'Zhao Heng');
    await lin.until(([p]) => globalThis.__room.participants.get(p)?.hand === true, [id], { what: 'the hand' });
  });

  test('someone leaves and comes back as the same participant', async () => {
    const id = await idOf(lin, 'Zhao Heng');
    await zhao.click('dock-leave');
    await lin.until(([p]) => !globalThis.__room.participants.has(p), [id], { what: 'gone' });
    await zhao.goto(link);
    await join(zhao);
    await seesOthers(zhao, 2);
    await seesOthers(lin, 2);
    assert.equal(await idOf(lin, 'Zhao Heng'), id);
  });

  test('a dropped socket resumes with place and role, and the media never stops', async () => {
    const earlier = await lin.facts();
    const id = await idOf(zhao, 'Lin Yue');
    await lin.evaluate(() => globalThis.__observer.dropSockets());
    await lin.until(() => globalThis.__observer.socketsOpened() >= 2, null, { what: 'a second socket' });
    await lin.until(() => globalThis.__room.connection.signaling === 'connected', null, { what: 'resumed' });
    await seesOthers(lin, 2);
    assert.equal((await lin.facts()).offers, earlier.offers, 'the transport was kept');
    assert.equal(await zhao.evaluate((p) => globalThis.__room.participants.get(p)?.role, id), 'host');
  });

  test('a removed person is out at once and cannot come back to this meeting', async () => {
    const id = await idOf(lin, 'Chen Jing');
    await lin.evaluate((p) => globalThis.__room.remove(p), id);
    await chen.see('end-reason');
    await lin.until(([p]) => !globalThis.__room.participants.has(p), [id], { what: 'gone from the roster' });
    await chen.goto(link);
    await chen.click('prejoin-join');
    await chen.until(() => /removed/i.test(document.body.innerText), null, { what: 'the refusal in words' });
  });
});

// The door: guests and late-comers wait, a host decides, and whoever waits learns nothing of the meeting.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { hearsOthers, invite, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';

/** Asks at the door of the room under this name, as somebody without an account. */
async function ask(person, link, name) {
  await person.goto(link);
  await person.fill('prejoin-name', name);
  await person.click('prejoin-join');
  await person.see('lobby');
}

/** The row of somebody who waits, as the host reads it. */
const waiting = (host, name) => host.until((n) => {
  for (const row of document.querySelectorAll('[data-testid="waiting-row"]')) if (row.textContent.includes(n)) return row.innerText;
  return null;
}, name, { what: `${name} at the door` });

/** Presses one of the two answers in the row of this person. */
async function answer(host, name, testid) {
  await waiting(host, name);
  await host.page.locator('[data-testid="waiting-row"]', { hasText: name }).locator(`[data-testid="${testid}"]`).click();
}

/** Where screenshots of a run go. */
async function picture(name) {
  const dir = new URL('../../build/screenshots/', import.meta.url).pathname;
  await mkdir(dir, { recursive: true });
  return dir + name;
}

/** Turns the page over into the other language and comes back to the door. */
async function switchLanguage(host) {
  await host.click('dock-more');
  await host.click('language');
  await host.page.keyboard.press('Escape');
  await host.gone('panel-more');
  if (await host.evaluate(() => !!document.querySelector('[data-testid="dock-host"]'))) await host.click('dock-host');
  else {
    await host.click('dock-more');
    await host.click('dock-host');
  }
  await host.see('panel-host');
}

const inRoom = (person, name) => person.until((n) => {
  for (const p of globalThis.__room?.participants?.values() ?? []) if (p.name === n) return p.id;
  return null;
}, name, { what: `${name} in the roster` });

describe('the door', { timeout: 300_000 }, () => {
  let server, chromium, lin, zhao, guest, second, link;

  before(async () => {
    server = await serve();
    chromium = await launchChromium();
    lin = await chromium.person();
    zhao = await chromium.person({ locale: 'zh-CN' });
    guest = await chromium.person();
    second = await chromium.person({ locale: 'zh-CN' });
    await setUp(lin, server);
    await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
    link = await startMeeting(lin, server);
    await join(lin);
    await lin.click('dock-host');
    await lin.see('panel-host');
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('a guest without an account asks under a name, and the host reads that it is a guest', async () => {
    await ask(guest, link, 'Aylin Demir');
    const row = await waiting(lin, 'Aylin Demir');
    assert.match(row, /\bGuest\b/);
    assert.match(row, /No sign-in: the name is their own word/);
    assert.match(row, /Outside network/);
    assert.match(row, /127\.0\.0\.1/, 'whoever administers alone may see addresses');
    assert.match(await guest.text('lobby'), /Guest/);
  });

  test('whoever waits hears nothing of the meeting', async () => {
    const heard = await guest.evaluate(() => globalThis.__observer.heard());
    assert.deepEqual(heard.filter((k) => !['welcome', 'waiting', 'pong', 'ok'].includes(k)), [], `heard ${heard}`);
    const host = await lin.evaluate(() => globalThis.__room.selfId);
    for (const secret of [host, 'lin.yue', '"name"', 'participant', 'ticket', 'chat']) {
      assert.equal(await guest.evaluate((s) => globalThis.__observer.heardText(s), secret), false, secret);
    }
    const words = await guest.evaluate(() => document.body.innerText);
    assert.doesNotMatch(words.replaceAll('Meeting of Lin Yue', ''), /Lin Yue/, 'the title is all that is told');
    for (const body of [{ setHand: { raised: true } }, { sendChat: { id: 'x', text: 'hello' } }, { setLocked: { locked: true } }]) {
      const { error } = await guest.evaluate((b) => globalThis.__observer.say(b), body);
      assert.equal(error?.code, 'wrong_state', JSON.stringify(body));
    }
  });

  test('admitted, the guest and the host see and hear each other', async () => {
    await answer(lin, 'Aylin Demir', 'waiting-admit');
    await guest.see('dock-leave');
    await Promise.all([lin, guest].map(async (p) => {
      await seesOthers(p, 1);
      await hearsOthers(p, 1);
    }));
    const id = await inRoom(lin, 'Aylin Demir');
    assert.equal(await lin.evaluate((p) => globalThis.__room.participants.get(p).assurance, id), 'guest');
  });

  test('a guest is never given the tools of a host, and the server refuses their forged use', async () => {
    await guest.click('dock-people');
    await guest.see('panel-people');
    for (const tool of ['dock-host', 'mute-all', 'room-lock', 'person-mute', 'person-remove', 'waiting-row', 'end-meeting']) {
      assert.equal(await guest.evaluate((id) => document.querySelectorAll(`[data-testid="${id}"]`).length, tool), 0, tool);
    }
    const host = await inRoom(guest, 'Lin Yue');
    const own = await guest.evaluate(() => globalThis.__room.selfId);
    assert.equal(await guest.evaluate((p) => globalThis.__room.setRole(p, 'host').then(() => 'done', (e) => e.code), own), 'forbidden');
    assert.equal(await guest.evaluate((p) => globalThis.__room.remove(p).then(() => 'done', (e) => e.code), host), 'forbidden');
    const forged = [
      { setRole: { participant: own, role: 'ROLE_HOST' } }, { setRole: { participant: host, role: 'ROLE_VIEWER' } },
      { removeParticipant: { participant: host } }, { muteParticipant: { participant: host, kind: 'SOURCE_KIND_MIC', hard: true } },
      { setLocked: { locked: true } }, { endMeeting: {} }, { admit: { waiter: 'w_aaaaaaaaaaaaaaaa' } },
    ];
    for (const body of forged) {
      const { error } = await guest.evaluate((b) => globalThis.__observer.say(b), body);
      assert.equal(error?.code, 'forbidden', JSON.stringify(body));
    }
    const refused = await lin.evaluate((p) => globalThis.__room.setRole(p, 'cohost').then(() => 'done', (e) => e.code), await inRoom(lin, 'Aylin Demir'));
    assert.notEqual(refused, 'done', 'not even a host makes a guest co-host');
    assert.equal(await lin.evaluate(() => globalThis.__room.self.role), 'host');
    assert.equal(await guest.evaluate(() => globalThis.__room.self.role), 'participant');
  });

  test('another guest is declined and reads so, in their own language', async () => {
    await ask(second, link, '吴梅');
    assert.match(await second.text('lobby'), /访客/);
    await answer(lin, '吴梅', 'waiting-decline');
    await second.see('end-reason');
    assert.equal(await second.evaluate(() => document.querySelector('[data-testid="end-reason"]').dataset.reason), 'declined');
    const words = await second.text('end-reason');
    assert.match(words, /您未获准进入/);
    await lin.until(() => globalThis.__room.waiting.length === 0, null, { what: 'nobody at the door' });
  });

  test('a wrong link is told in Chinese to whoever reads Chinese', async () => {
    await second.goto(`${server.url}/r/aaaaaaaaaa`);
    await second.see('problem');
    assert.equal(await second.evaluate(() => document.documentElement.lang), 'zh-CN');
    assert.match(await second.text('problem'), /没有找到此会议号/);
  });

  test('the room is locked: a signed-in person reads why, waits, and is let in', async () => {
    await lin.page.locator('[data-testid="host-lock"]').click({ force: true });
    await lin.until(() => globalThis.__room.state.locked === true, null, { what: 'locked' });
    await guest.see('room-locked');
    await zhao.goto(link);
    await zhao.click('prejoin-join');
    await zhao.see('problem');
    assert.equal(await zhao.evaluate(() => document.querySelector('[data-testid="problem"]').dataset.code), 'room_locked');
    assert.match(await zhao.text('problem'), /会议室已锁定/);
    await zhao.click('prejoin-join'); // the same button asks at the door now
    await zhao.see('lobby');
    const row = await waiting(lin, 'Zhao Heng');
    assert.doesNotMatch(row, /\bGuest\b/);
    assert.match(row, /Password and code/);
    await answer(lin, 'Zhao Heng', 'waiting-admit');
    await zhao.see('dock-leave');
    await seesOthers(zhao, 2);
    assert.equal(await lin.evaluate((p) => globalThis.__room.participants.get(p).assurance, await inRoom(lin, 'Zhao Heng')), 'mfa');
  });

  test('the list can be read on phones and desktops, in both languages; all are let in at once', async () => {
    const third = await chromium.person();
    await ask(second, link, '吴梅');
    await ask(third, link, 'Marc Delorme');
    await waiting(lin, '吴梅');
    await waiting(lin, 'Marc Delorme');
    for (const [width, height] of [[390, 844], [1440, 900]]) {
      await lin.page.setViewportSize({ width, height });
      for (const language of ['en', 'zh']) {
        await lin.page.waitForTimeout(600); // what comes up toasts and goes
        await lin.screenshot(await picture(`door-${language}-${width}.png`));
        await switchLanguage(lin);
      }
    }
    await lin.click('waiting-admit-all');
    await second.see('dock-leave');
    await third.see('dock-leave');
    await lin.until(() => globalThis.__room.waiting.length === 0, null, { what: 'nobody at the door' });
  });
});

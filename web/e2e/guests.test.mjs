// People without an account: by a host's link to the door, with and without a code, and no further without a host.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { binary, serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { code, hearsOthers, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';
import { relay } from './lib/relay.mjs';

const shots = process.env.SHOTS; // a folder: pictures of the pages, in both widths; SHOTS_ZH: in Chinese
const look = process.env.SHOTS_ZH ? { locale: 'zh-CN' } : {};

const say = (host, method, path, body) => host.evaluate(async ([m, p, b]) => {
  const r = await fetch(p, { method: m, headers: { 'Content-Type': 'application/json' }, ...(b === undefined ? {} : { body: JSON.stringify(b) }) });
  return { status: r.status, body: r.status === 204 ? null : await r.json() };
}, [method, path, body]);

async function admit(host, name) {
  await host.until((n) => [...document.querySelectorAll('[data-testid="waiting-row"]')].some((row) => row.textContent.includes(n)), name, { what: `${name} at the door` });
  await host.page.locator('[data-testid="waiting-row"]', { hasText: name }).locator('[data-testid="waiting-admit"]').click();
}

describe('guests by a link', { timeout: 300_000 }, () => {
  let server, post, chromium, lin, kim, lee, room, account, links;
  const shoot = async (who, name) => {
    if (!shots) return;
    for (const [width, height] of [[390, 844], [1440, 900]]) {
      await who.page.setViewportSize({ width, height });
      await who.page.screenshot({ path: `${shots}/${name}-${width}.png`, fullPage: true });
    }
  };

  before(async () => {
    post = await relay();
    server = await serve(post.env);
    chromium = await launchChromium();
    lin = await chromium.person(look);
    kim = await chromium.person(look);
    lee = await chromium.person(look);
    account = await setUp(lin, server);
    const link = await startMeeting(lin, server);
    room = new URL(link).pathname.slice(3);
    links = `/api/v1/rooms/${room}/guest-links`;
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
    await post?.stop();
  });

  test('a host makes a link, and sees it once', async () => {
    await lin.goto(server.url);
    await lin.click('room-guests');
    await lin.see('guest-label');
    await shoot(lin, 'guests-empty');
    await lin.fill('guest-label', 'Kim of Audit');
    await lin.click('guest-create');
    await lin.see('guest-url');
    lin.link = await lin.text('guest-url');
    assert.match(lin.link, /\/g#gl_[A-Za-z0-9_-]{43}$/);
    await lin.see('guest-link');
    await shoot(lin, 'guests-made');
    await lin.page.reload();
    await lin.see('guest-link');
    assert.ok(!(await lin.page.content()).includes(lin.link.split('#')[1]), 'the link is shown again');
  });

  test('the guest gives a name, waits, is admitted, and is a guest to everybody', async () => {
    await lin.goto(`${server.url}/r/${room}`);
    await join(lin);
    await lin.click('dock-host');
    await lin.see('panel-host');
    await kim.goto(lin.link);
    await kim.see('prejoin-name');
    assert.equal(new URL(kim.url()).hash, '', 'the secret stays in the address bar');
    await shoot(kim, 'guest-name');
    await kim.fill('prejoin-name', 'Kim Lee');
    await kim.click('prejoin-join');
    await kim.see('lobby');
    assert.equal(await kim.evaluate(() => globalThis.__room === undefined), true);
    await admit(lin, 'Kim Lee');
    await kim.see('dock-leave');
    await Promise.all([lin, kim].map(async (p) => { await seesOthers(p, 1); await hearsOthers(p, 1); }));
    const assurance = await lin.evaluate(() => [...globalThis.__room.participants.values()].find((p) => p.name === 'Kim Lee').assurance);
    assert.equal(assurance, 'guest');
  });

  test('the same tab comes again by the link, which is used up for others', async () => {
    const before = await lin.evaluate(() => [...globalThis.__room.participants.values()].find((p) => p.name === 'Kim Lee').id);
    await kim.page.reload();
    await kim.fill('prejoin-name', 'Kim Lee');
    await kim.click('prejoin-join');
    await kim.see('lobby');
    await admit(lin, 'Kim Lee');
    await kim.see('dock-leave');
    await lin.until((id) => globalThis.__room.participants.has(id), before, { what: 'the same participant' });
    await lee.goto(lin.link);
    await lee.see('problem');
    assert.equal(await lee.evaluate(() => document.querySelector('[data-testid="problem"]').dataset.code), 'guest_link_invalid');
    await shoot(lee, 'guest-refused');
  });

  test('a code goes to the mail address, and opens the door', async () => {
    const made = await say(lin, 'POST', links, { code: 'mail', mail: 'lee@example.org', send: true });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const invitation = await post.next();
    assert.equal(invitation.to, 'lee@example.org');
    assert.ok(invitation.text.includes(made.body.link));
    await lee.goto('about:blank');
    await lee.goto(made.body.link);
    await lee.see('guest-code');
    await lee.fill('prejoin-name', 'Lee Min');
    await shoot(lee, 'guest-code');
    await lee.click('guest-code-send');
    const letter = await post.next();
    const digits = /^\d{6}$/m.exec(letter.text)?.[0];
    assert.ok(digits, letter.text);
    await lee.fill('guest-code', digits === '000000' ? '000001' : '000000');
    await lee.click('prejoin-join');
    await lee.see('problem');
    assert.equal(await lee.evaluate(() => document.querySelector('[data-testid="problem"]').dataset.code), 'guest_code_invalid');
    await lee.fill('prejoin-name', 'Lee Min');
    await lee.fill('guest-code', digits);
    await lee.click('prejoin-join');
    await lee.see('lobby');
    lee.id = made.body.id;
    lee.link = made.body.link;
  });

  test('a revoked link sends away who waits, and opens nothing again', async () => {
    assert.equal((await say(lin, 'DELETE', `${links}/${lee.id}`)).status, 204);
    await lee.gone('lobby', { ms: 20_000 });
    await lee.goto('about:blank');
    await lee.goto(lee.link);
    await lee.see('problem');
    assert.equal(await lee.evaluate(() => document.querySelector('[data-testid="problem"]').dataset.code), 'guest_link_invalid');
  });

  test('who is removed does not come again as somebody new by the same link', async () => {
    const made = await say(lin, 'POST', links, { max_uses: 5 });
    await lee.goto('about:blank');
    await lee.goto(made.body.link);
    await lee.fill('prejoin-name', 'Lee Min');
    await lee.click('prejoin-join');
    await admit(lin, 'Lee Min');
    await lee.see('dock-leave');
    const id = await lin.until(() => [...globalThis.__room.participants.values()].find((p) => p.name === 'Lee Min')?.id, null, { what: 'Lee in the roster' });
    await lin.evaluate((p) => globalThis.__room.remove(p), id);
    await lee.see('end-reason');
    await lee.evaluate(() => sessionStorage.clear());
    await lee.goto('about:blank');
    await lee.goto(made.body.link);
    await lee.see('problem');
    assert.equal(await lee.evaluate(() => document.querySelector('[data-testid="problem"]').dataset.code), 'guest_link_invalid');
  });

  test('a code by voice is on the host’s page while it is awaited', async () => {
    const made = await say(lin, 'POST', links, { code: 'voice', label: 'Lee by phone' });
    await lin.click('dock-leave');
    await lin.goto(`${server.url}/r/${room}/guests`);
    await lin.see('guest-link');
    await lee.goto('about:blank');
    await lee.goto(made.body.link);
    await lee.fill('prejoin-name', 'Lee Min');
    await lee.click('guest-code-send');
    await lin.see('guest-spoken', { ms: 20_000 });
    await shoot(lin, 'guests-spoken');
    await lee.fill('guest-code', await lin.text('guest-spoken'));
    await lee.click('prejoin-join');
    await lee.see('lobby');
  });

  test('a forgotten password: a link by mail, and the second step', async () => {
    execFileSync(binary, ['admin', 'account', 'mail', '--login', account.login, '--address', 'lin@example.org'], { env: { PATH: process.env.PATH, HOME: '/tmp', INCAMERA_DATA_DIR: server.dir } });
    await kim.goto(`${server.url}/sign-in`);
    await kim.click('signin-forgot');
    await kim.fill('forgot-account', account.login);
    await shoot(kim, 'forgot');
    await kim.click('forgot-submit');
    await kim.see('forgot-sent');
    const link = /http\S+\/reset#\S+/.exec((await post.next()).text)?.[0];
    assert.ok(link);
    await kim.goto('about:blank');
    await kim.goto(link);
    await kim.fill('reset-password', 'seven grey herons wait');
    await kim.fill('reset-code', account.recovery[0]);
    await shoot(kim, 'reset');
    await kim.click('reset-submit');
    await kim.see('reset-done');
    await kim.goto(`${server.url}/sign-in`);
    await kim.fill('signin-login', account.login);
    await kim.fill('signin-password', 'seven grey herons wait');
    await kim.click('signin-submit');
    await kim.fill('otp-input', code(account.secret));
    await kim.see('home-start', { ms: 40_000 });
  });
});

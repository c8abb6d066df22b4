// People sign in at a provider of another site: there and back in a real browser, with its cookies and its policies.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { launchChromium } from './lib/browsers.mjs';
import { join, setUp, startMeeting } from './lib/people.mjs';
import { serveWithProvider } from './lib/provider.mjs';

async function picture(name) {
  const dir = new URL('../../build/screenshots/', import.meta.url).pathname;
  await mkdir(dir, { recursive: true });
  return dir + name;
}

const at = (person, path) => person.until((p) => location.pathname === p, path, { what: path });
const onProvider = (person) => person.until(() => document.title === 'Test provider', null, { what: 'the provider' });

describe('signing in at a provider', { timeout: 380_000 }, () => {
  let server, chromium, lin, wei, hosts;

  before(async () => {
    server = await serveWithProvider();
    chromium = await launchChromium();
    lin = await chromium.person();
    await setUp(lin, server);
    wei = await chromium.person({ locale: 'zh-CN' });
    hosts = new Set();
    wei.page.on('request', (r) => hosts.add(new URL(r.url()).host));
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('the page offers the providers in the words of the configuration', async () => {
    for (const [language, locale] of [['en', 'en-GB'], ['zh', 'zh-CN']]) {
      for (const [size, viewport] of [['phone', { width: 390, height: 844 }], ['desktop', { width: 1440, height: 900 }]]) {
        const p = await chromium.person({ locale, viewport });
        await p.goto(`${server.url}/sign-in`);
        await p.see('signin-with-corp');
        assert.match(await p.text('signin-with-corp'), language === 'en' ? /^Sign in with Court account$/ : /^使用法院统一账号登录$/);
        await p.screenshot(await picture(`sign-in-providers-${language}-${size}.png`));
        await p.page.context().close();
      }
    }
  });

  test('with a second factor there, one is in at once', async () => {
    await wei.goto(`${server.url}/sign-in`);
    await wei.click('signin-with-corp');
    await onProvider(wei);
    await wei.page.click('#factor');
    await wei.see('home-start');
    const { user } = await wei.evaluate(() => fetch('/api/v1/me').then((r) => r.json()));
    assert.equal(user.login, 'wei.min');
    assert.deepEqual([...hosts].sort(), [new URL(server.url).host, new URL(server.provider).host].sort(), 'nobody else was asked for anything');
    assert.doesNotMatch(wei.url(), /code=|state=/);
  });

  test('an account elsewhere is linked to one\'s own, and opens it', async () => {
    // somebody's already: said where it was asked for
    await lin.goto(`${server.url}/security`);
    await lin.click('link-at-corp');
    await onProvider(lin);
    await lin.page.click('#factor');
    await at(lin, '/security');
    await lin.until(() => document.querySelector('[data-testid="problem"]')?.dataset.code === 'identity_linked', null, { what: 'the refusal' });
    assert.equal(await lin.evaluate(() => location.hash), '');
    await lin.click('link-at-corp');
    await onProvider(lin);
    await lin.page.click('#other');
    await at(lin, '/security');
    await lin.see('link');
    assert.match(await lin.text('link'), /Court account.*4712/s);
    for (const [language, locale] of [['en', 'en-GB'], ['zh', 'zh-CN']]) {
      for (const [size, viewport] of [['phone', { width: 390, height: 844 }], ['desktop', { width: 1440, height: 900 }]]) {
        const p = await chromium.person({ locale, viewport });
        await p.page.context().addCookies(await lin.page.context().cookies());
        await p.goto(`${server.url}/security`);
        await p.see('link');
        await p.page.screenshot({ path: await picture(`security-links-${language}-${size}.png`), fullPage: true });
        await p.page.context().close();
      }
    }
    const p = await chromium.person();
    await p.goto(`${server.url}/sign-in`);
    await p.click('signin-with-corp');
    await onProvider(p);
    await p.page.click('#other');
    await p.see('home-start');
    assert.equal((await p.evaluate(() => fetch('/api/v1/me').then((r) => r.json()))).user.login, 'lin.yue');
    // the list of sign-ins tells the two apart, and unlinking ends the one that came by the link
    await lin.goto(`${server.url}/security`);
    await lin.until(() => document.querySelectorAll('[data-testid="session"]').length === 2, null, { what: 'two sign-ins' });
    assert.match(await lin.evaluate(() => document.querySelector('[data-testid="session"][data-current="false"]').textContent), /same network as here/);
    await lin.click('link-remove');
    await lin.click('confirm-yes');
    await lin.gone('link');
    await lin.until(() => document.querySelectorAll('[data-testid="session"]').length === 1, null, { what: 'one sign-in' });
    assert.equal(await p.evaluate(() => fetch('/api/v1/me').then((r) => r.status)), 401);
    await p.close();
  });

  test('the second step is given at the provider in a window of its own, and the meeting goes on', async () => {
    await startMeeting(wei, server);
    await join(wei);
    const factor = () => wei.evaluate(() => fetch('/api/v1/sessions').then((r) => r.json()).then((body) => body.sessions.find((s) => s.current).second_factor_at_ms));
    const was = await factor();
    // The refusal of a meeting's socket, as the protocol words it; the page's side is what is looked at here.
    await wei.evaluate(() => {
      const real = globalThis.__room.setLocked.bind(globalThis.__room);
      globalThis.__wishes = 0;
      globalThis.__room.setLocked = (locked) => {
        globalThis.__wishes++;
        return globalThis.__wishes === 1 ? Promise.reject(Object.assign(new Error(), { code: 'second_factor_required' })) : real(locked);
      };
    });
    await wei.click('dock-host');
    await wei.click('host-lock');
    await wei.see('stepup-there');
    await wei.until(() => /法院统一账号/.test(document.querySelector('[data-testid="stepup-there"]').textContent), null, { what: 'the provider by its title' });
    for (const [size, viewport] of [['phone', { width: 390, height: 844 }], ['desktop', { width: 1440, height: 900 }]]) {
      await wei.page.setViewportSize(viewport);
      await wei.page.waitForTimeout(150);
      await wei.screenshot(await picture(`step-up-there-zh-${size}.png`));
    }
    const there = async (button) => {
      const [opened] = await Promise.all([wei.page.context().waitForEvent('page'), wei.click('stepup-there')]);
      await opened.waitForURL((url) => url.origin === server.provider);
      await opened.click(button);
      return opened;
    };
    const refused = await there('#yes'); // no second factor
    await wei.until(() => document.querySelector('[data-testid="stepup"] [data-testid="problem"]')?.dataset.code === 'provider_no_factor', null, { what: 'that no factor was given there' });
    await refused.locator('[data-testid="confirmed"]').waitFor();
    await refused.screenshot({ path: await picture('confirmed-not-zh.png') });
    await refused.close();
    const done = await there('#factor');
    await wei.gone('stepup');
    await wei.until(() => globalThis.__room.state.locked === true, null, { what: 'the room to be locked' });
    assert.equal(await wei.evaluate(() => globalThis.__wishes), 2);
    assert.ok(await factor() > was, 'the factor is as old as before');
    await wei.see('dock-leave');
    for (let i = 0; !done.isClosed() && i < 50; i++) await wei.page.waitForTimeout(100);
    assert.ok(done.isClosed(), 'the window stays open');
    await wei.click('dock-leave');
    await wei.click('end-home');
  });

  test('signing out signs out there, and comes back', async () => {
    await wei.click('sign-out');
    await at(wei, '/sign-in');
    await wei.see('signin-with-corp');
    assert.equal(await wei.evaluate(() => fetch('/api/v1/me').then((r) => r.status)), 401);
  });

  test('without one, the provider is asked again, and then it is enrolled here', async () => {
    await wei.goto(`${server.url}/sign-in`);
    await wei.click('signin-with-corp');
    await onProvider(wei);
    await wei.page.click('#yes');
    await wei.until(() => document.title === 'Test provider', null, { what: 'the second trip' });
    await wei.page.waitForURL(/127\.0\.0\.1/);
    await wei.page.click('#yes');
    await at(wei, '/sign-in');
    await wei.until(() => document.querySelector('[data-testid="enrol-app"], [data-testid="setup-secret"]'), null, { what: 'the enrolment' });
    assert.equal(await wei.evaluate(() => fetch('/api/v1/me').then((r) => r.status)), 403);
  });

  test('who says no there reads why', async () => {
    const p = await chromium.person();
    await p.goto(`${server.url}/sign-in`);
    await p.click('signin-with-corp');
    await onProvider(p);
    await p.page.click('#no');
    await p.until(() => /stopped there/.test(document.body.innerText), null, { what: 'the reason' });
    assert.equal(await p.evaluate(() => location.hash), '');
    await p.screenshot(await picture('sign-in-provider-denied.png'));
    await p.click('signin-with-ministry');
    await p.until(() => /does not answer/.test(document.body.innerText), null, { what: 'that the other is down' });
  });
});

// People sign in at a provider of another site: there and back in a real browser, with its cookies and its policies.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { launchChromium } from './lib/browsers.mjs';
import { setUp } from './lib/people.mjs';
import { serveWithProvider } from './lib/provider.mjs';

async function picture(name) {
  const dir = new URL('../../build/screenshots/', import.meta.url).pathname;
  await mkdir(dir, { recursive: true });
  return dir + name;
}

const at = (person, path) => person.until((p) => location.pathname === p, path, { what: path });
const onProvider = (person) => person.until(() => document.title === 'Test provider', null, { what: 'the provider' });

describe('signing in at a provider', { timeout: 140_000 }, () => {
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

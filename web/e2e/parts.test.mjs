// The page loads in parts: what nobody needs for joining comes when it is opened, only as it was built, and when it
// does not come the page says so and goes on.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { serve } from './lib/server.mjs';
import { launchChromium, launchFirefox } from './lib/browsers.mjs';
import { setUp } from './lib/people.mjs';

const pictures = new URL('../../build/screenshots/', import.meta.url).pathname;
const script = (path) => /\/assets\/(\w+)-\w+\.js$/.exec(path)?.[1];

describe('the parts of the page', { timeout: 240_000 }, () => {
  let server, chromium, lin, loaded;

  before(async () => {
    server = await serve();
    chromium = await launchChromium();
    await mkdir(pictures, { recursive: true });
    lin = await chromium.person();
    loaded = [];
    lin.page.on('request', (r) => { const name = script(r.url()); if (name) loaded.push(name); });
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('the way into a meeting takes no part of another screen', async () => {
    await setUp(lin, server);
    loaded.length = 0;
    await lin.goto(`${server.url}/`);
    await lin.click('home-start');
    await lin.see('prejoin-join');
    assert.deepEqual([...new Set(loaded)].sort(), ['app', 'boot', 'chunk']);
    assert.deepEqual(lin.console.filter((line) => /integrity|Content Security|preload|importmap|import map/i.test(line)), []);
  });

  test('a screen brings its part, once', async () => {
    await lin.goto(`${server.url}/`);
    loaded.length = 0;
    for (let i = 0; i < 2; i++) {
      await lin.click('nav-security');
      await lin.see('password-change');
      await lin.page.goBack();
      await lin.see('home-start');
    }
    assert.deepEqual(loaded, ['account']);
  });

  test('when the part does not come, the page says so, and loading it again goes on there', async () => {
    for (const [locale, viewport] of [['zh-CN', { width: 1440, height: 900 }], ['en-GB', { width: 390, height: 844 }]]) {
      const p = await chromium.person({ locale, viewport });
      await p.page.context().addCookies(await lin.page.context().cookies());
      await p.goto(`${server.url}/`);
      await p.see('home-start');
      await p.page.route('**/assets/people-*.js', (route) => route.fulfill({ status: 404, body: 'not found' }));
      await p.click('nav-users');
      await p.see('part-missing');
      await p.see('sign-out');
      await p.screenshot(`${pictures}part-missing-${locale}-${viewport.width}.png`);
      await p.page.unroute('**/assets/people-*.js');
      await p.click('load-again');
      await p.see('user-row');
      await p.close();
    }
  });

  test('a part that was altered on the way does not run', async () => {
    const p = await chromium.person();
    await p.page.context().addCookies(await lin.page.context().cookies());
    await p.goto(`${server.url}/`);
    await p.see('home-start');
    const alter = (what) => p.page.route('**/assets/people-*.js', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${await response.text()}${what}` });
    });
    await alter('\nglobalThis.altered = true;');
    await p.click('nav-users');
    await p.see('part-missing');
    assert.equal(await p.evaluate(() => globalThis.altered), undefined);
    await p.page.unroute('**/assets/people-*.js');
    await alter(''); // the control: through the same hands, as it was built
    await p.click('load-again');
    await p.see('user-row');
    await p.close();
  });

  test('an invitation is not lost by loading the page again', async () => {
    const token = await lin.evaluate(async () => {
      const body = JSON.stringify({ name: 'Zhao Heng', login: 'zhao.heng', role: 'user' });
      const r = await fetch('/api/v1/users', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
      return (await r.json()).invite;
    });
    const p = await chromium.person();
    await p.page.route('**/assets/account-*.js', (route) => route.abort());
    await p.goto(`${server.url}/invite#${token}`);
    await p.see('part-missing');
    assert.equal(await p.evaluate(() => location.hash), '');
    await p.page.unroute('**/assets/account-*.js');
    await p.click('load-again');
    await p.fill('setup-password', 'a quiet lamp by the window');
    await p.click('setup-submit');
    await p.see('enrol-app');
    await p.close();
  });

  test('Firefox loads the parts under the same policy', async () => {
    const firefox = await launchFirefox();
    try {
      const p = await firefox.person();
      await p.goto(`${server.url}/setup#no-longer`);
      await p.until(() => /already set up/.test(document.body.innerText), null, { what: 'the set-up page' });
      assert.deepEqual(p.console.filter((line) => /Content-Security|Content Security|integrity attribute/i.test(line)), []);
    } finally {
      await firefox.close();
    }
  });
});

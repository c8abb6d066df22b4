// Passkeys in a real browser with a virtual authenticator: enrolled, signed in with alone, asked for in the middle of
// things, and worthless on a page of another origin.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { giveAuthenticator } from './lib/authenticator.mjs';
import { code, invite, join, signIn } from './lib/people.mjs';

const shots = process.env.SHOTS; // a folder: pictures of the pages, in both widths

/** A browser that offers no passkeys in lists, so that the button is what is tried. */
const noAutofill = () => { PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false); };

/** The API as the page sees it. */
const ask = (person, method, path, body) => person.evaluate(async ([m, p, b]) => {
  const r = await fetch(`/api/v1${p}`, { method: m, headers: { 'Content-Type': 'application/json' }, ...(b ? { body: JSON.stringify(b) } : {}) });
  return { status: r.status, body: await r.json().catch(() => null) };
}, [method, path, body]);

describe('passkeys', { timeout: 140_000 }, () => {
  let server, chromium, lin, zhao, key, zhaoKey, accountOfZhao, room;
  const shoot = async (person, name) => {
    if (!shots) return;
    for (const [width, height] of [[390, 844], [1440, 900]]) {
      await person.page.setViewportSize({ width, height });
      await person.page.waitForTimeout(150);
      await person.page.screenshot({ path: `${shots}/${name}-${width}.png`, fullPage: true });
    }
    await person.page.setViewportSize({ width: 1280, height: 800 });
  };
  before(async () => {
    server = await serve();
    chromium = await launchChromium();
    const language = process.env.SHOTS_ZH ? { locale: 'zh-CN' } : {};
    lin = await chromium.person(language);
    zhao = await chromium.person(language);
    await lin.page.addInitScript(noAutofill);
    await zhao.page.addInitScript(noAutofill);
    key = await giveAuthenticator(lin);
    zhaoKey = await giveAuthenticator(zhao);
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('the first account has a passkey as its only factor', async () => {
    await lin.goto(`${server.url}/setup#${server.setupToken}`);
    await lin.fill('setup-name', 'Lin Yue');
    await lin.fill('setup-login', 'lin.yue');
    await lin.fill('setup-password', 'correct horse battery staple');
    await lin.click('setup-submit');
    await lin.see('enrol-passkey');
    await shoot(lin, 'enrol');
    await lin.click('enrol-passkey');
    await lin.see('setup-codes');
    lin.recovery = await lin.evaluate(() => [...document.querySelectorAll('[data-testid="setup-codes"] li')].map((li) => li.textContent));
    assert.equal(lin.recovery.length, 10);
    await lin.click('setup-saved');
    await lin.click('setup-done');
    await lin.see('home-start');
    const [made] = await key.credentials();
    assert.ok(made.isResidentCredential && made.rpId === 'localhost', JSON.stringify(made));
    const { body } = await ask(lin, 'GET', '/me');
    assert.deepEqual(body.user.mfa, { totp: false, passkey: true });
  });

  test('signing in takes one button and no name', async () => {
    await lin.click('sign-out');
    await lin.see('signin-passkey');
    await shoot(lin, 'sign-in');
    await lin.click('signin-passkey');
    await lin.see('home-start');
    const { body } = await ask(lin, 'GET', '/sessions');
    assert.equal(body.sessions.find((s) => s.current).assurance, 'phishing_resistant');
  });

  test('the list of the account field signs in, too', async () => {
    const page = await lin.page.context().newPage(); // its own authenticator, with the same key
    const other = Object.assign(Object.create(Object.getPrototypeOf(lin)), lin, { page });
    const second = await giveAuthenticator(other);
    const { credentialId, isResidentCredential, rpId, privateKey, userHandle, signCount } = (await key.credentials())[0];
    await second.put({ credentialId, isResidentCredential, rpId, privateKey, userHandle, signCount: signCount + 50 });
    await lin.click('sign-out');
    await lin.see('signin-passkey');
    await other.goto(`${server.url}/sign-in`);
    await other.see('home-start');
    await page.close();
    // The first one counts on from where it was: a number that has been there. Nobody can say which is the copy.
    await lin.goto(`${server.url}/sign-in`);
    await lin.click('signin-passkey');
    await lin.until(() => document.querySelector('[data-testid="problem"]')?.dataset.code === 'passkey_blocked', null, { what: 'the copied passkey to be blocked' });
  });

  test('a person who lost the passkey gets in by a recovery code, and makes a new one', async () => {
    await key.remove();
    key = await giveAuthenticator(lin);
    await lin.fill('signin-login', 'lin.yue');
    await lin.fill('signin-password', 'correct horse battery staple');
    await lin.click('signin-submit');
    await lin.see('way-passkey');
    await shoot(lin, 'second-factor');
    assert.equal(await lin.evaluate(() => document.querySelector('[data-testid="way-otp"]')), null, 'an app that was never set up is offered');
    await lin.click('way-recovery');
    await lin.fill('recovery-input', lin.recovery[0]);
    await lin.click('otp-submit');
    await lin.see('home-start');
    await lin.click('nav-security');
    await lin.until(() => document.querySelector('[data-testid="passkey"]')?.dataset.blocked === 'true', null, { what: 'the blocked passkey' });
    assert.equal(await lin.evaluate(() => document.querySelector('[data-testid="factor-codes"]').dataset.left), '9');
    await shoot(lin, 'blocked');
    await lin.click('passkey-add');
    await lin.until(() => document.querySelectorAll('[data-testid="passkey"]').length === 2, null, { what: 'the new passkey' });
    await lin.page.locator('[data-testid="passkey"][data-blocked="true"] [data-testid="passkey-remove"]').click();
    await lin.click('confirm-yes');
    await lin.until(() => [...document.querySelectorAll('[data-testid="passkey"]')].map((one) => one.dataset.blocked).join() === 'false', null, { what: 'the blocked one to be gone' });
  });

  test('a second person has the app, and adds a passkey in Security', async () => {
    accountOfZhao = await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
    const made = await ask(lin, 'POST', '/rooms', { title: 'Treasury security review', acr: 'phishing_resistant', max_age: 3600 });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    room = made.body.id;

    await zhao.goto(`${server.url}/r/${room}`);
    await zhao.see('stepup');
    await zhao.see('stepup-settings'); // without a passkey the sheet says where to make one
    await shoot(zhao, 'no-passkey');
    await zhao.click('stepup-no');
    await zhao.goto(`${server.url}/security`);
    await zhao.see('factor-totp');
    await zhao.click('passkey-add');
    await zhao.see('passkey');
    await zhao.click('passkey-rename');
    await zhao.fill('passkey-name', 'Key on my ring');
    await zhao.click('passkey-save');
    await zhao.until(() => document.querySelector('[data-testid="passkey"]')?.textContent.includes('Key on my ring'), null, { what: 'the new name' });
    await shoot(zhao, 'security');
  });

  test('a request that asks for a passkey gets it in place, and goes on', async () => {
    await zhao.click('sign-out');
    await zhao.see('signin-login');
    await zhao.fill('signin-login', accountOfZhao.login);
    await zhao.fill('signin-password', accountOfZhao.password);
    await zhao.click('signin-submit');
    await zhao.click('way-otp');
    await zhao.fill('otp-input', code(accountOfZhao.secret));
    await zhao.see('home-start');
    await zhao.page.evaluate((id) => { history.pushState(null, '', `/r/${id}`); dispatchEvent(new PopStateEvent('popstate')); globalThis.__sameDocument = true; }, room);
    await zhao.until(() => document.querySelector('[data-testid="stepup"]')?.dataset.acr === 'phishing_resistant', null, { what: 'the sheet' });
    await shoot(zhao, 'step-up');
    await zhaoKey.verified(false); // nobody behind the device: it does not answer
    await zhao.click('stepup-passkey');
    await zhao.until(() => document.querySelector('[data-testid="stepup"] [data-testid="problem"]')?.dataset.code === 'passkey_cancelled', null, { what: 'no passkey was used' });
    await zhaoKey.verified(true);
    await zhao.click('stepup-passkey');
    await zhao.gone('stepup');
    await join(zhao); // the request that was refused has been sent again: the token is there
    assert.equal(await zhao.evaluate(() => globalThis.__sameDocument), true, 'the page was left');
    await zhao.until(() => [...globalThis.__room.participants.values()].some((p) => p.assurance === 'phishing_resistant'), null, { what: 'the passkey in the roster' });
  });

  test('in a meeting the sheet asks beside everything else, and the refused wish is fulfilled', async () => {
    await lin.goto(`${server.url}/r/${room}`);
    await join(lin);
    // The refusal of a meeting's socket, as the protocol words it; the page's side is what is looked at here.
    await lin.evaluate(() => {
      const real = globalThis.__room.setLocked.bind(globalThis.__room);
      globalThis.__wishes = 0;
      globalThis.__room.setLocked = (locked) => {
        globalThis.__wishes++;
        return globalThis.__wishes === 1 ? Promise.reject(Object.assign(new Error(), { code: 'second_factor_required' })) : real(locked);
      };
    });
    await lin.click('dock-host');
    await lin.click('host-lock');
    await lin.see('stepup');
    await lin.see('dock-leave'); // nothing of the meeting is covered
    await shoot(lin, 'meeting-step-up');
    await lin.click('stepup-passkey');
    await lin.gone('stepup');
    await lin.until(() => globalThis.__room.state.locked === true, null, { what: 'the room to be locked' });
    assert.equal(await lin.evaluate(() => globalThis.__wishes), 2);
    await lin.click('dock-leave');
    await lin.see('end-home');
  });

  test('an answer made on another origin opens nothing', async () => {
    // The attacker relays the real question to a page of their own: the same host name, another port.
    const evil = createServer((_, res) => { res.setHeader('Content-Type', 'text/html'); res.end('<title>Win a prize</title>'); }).listen(0, '127.0.0.1');
    await once(evil, 'listening');
    const question = async () => {
      const r = await fetch(`${server.url}/api/v1/sign-in/passkey/options`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
      assert.equal(r.status, 200);
      return { cookie: r.headers.get('set-cookie').split(';')[0], options: (await r.json()).public_key };
    };
    const answer = (options) => lin.evaluate(async (o) => {
      const bytes = (t) => Uint8Array.from(atob(t.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
      const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
      const found = await navigator.credentials.get({ publicKey: { ...o, challenge: bytes(o.challenge) } });
      const r = found.response;
      return { credential: text(found.rawId), client_data: text(r.clientDataJSON), authenticator_data: text(r.authenticatorData), signature: text(r.signature), user_handle: text(r.userHandle) };
    }, options);
    const redeem = async (cookie, body) => {
      const r = await fetch(`${server.url}/api/v1/sign-in/passkey`, { method: 'POST', headers: { 'Content-Type': 'application/json', Cookie: cookie }, body: JSON.stringify(body) });
      return { status: r.status, session: r.headers.get('set-cookie'), body: await r.json() };
    };
    try {
      await lin.page.goto(`http://localhost:${evil.address().port}/`);
      const relayed = await question();
      const phished = await redeem(relayed.cookie, await answer(relayed.options));
      assert.equal(phished.status, 403, JSON.stringify(phished.body));
      assert.equal(phished.body.error.code, 'passkey_refused');
      assert.equal(phished.session, null);

      await lin.page.goto(`${server.url}/network`); // control: the same on the real origin
      const real = await question();
      const good = await answer(real.options);
      const opened = await redeem(real.cookie, good);
      assert.equal(opened.status, 200, JSON.stringify(opened.body));
      assert.equal((await redeem(real.cookie, good)).body.error.code, 'ceremony_over', 'an answer counts twice');
    } finally {
      evil.close();
    }
  });

  test('a reset of factors waits for a second administrator', async () => {
    await lin.goto(`${server.url}/sign-in`);
    await lin.click('signin-passkey');
    await lin.click('nav-users');
    await lin.see('user-reset');
    await lin.click('user-reset');
    await lin.click('confirm-yes');
    await lin.see('approval');
    assert.equal(await lin.evaluate(() => document.querySelector('[data-testid="approval"]').dataset.own), 'true');
    assert.equal(await lin.evaluate(() => document.querySelector('[data-testid="approval-approve"]')), null);
    await shoot(lin, 'users');
    await signIn(zhao, server, { ...accountOfZhao, way: 'way-otp' }); // nothing has changed for them
  });

  test('a forgotten password is set anew by a link and the passkey', async () => {
    const users = (await ask(lin, 'GET', '/users')).body.users;
    const { id } = users.find((one) => one.login === accountOfZhao.login);
    const made = await ask(lin, 'POST', `/users/${id}/reset-link`, {});
    assert.equal(made.status, 201, JSON.stringify(made.body));
    await zhao.goto('about:blank');
    await zhao.goto(made.body.link);
    await zhao.fill('reset-password', 'seven grey herons wait');
    const zhaoKeys = (await zhaoKey.credentials()).map(({ credentialId, isResidentCredential, rpId, privateKey, userHandle, signCount }) =>
      ({ credentialId, isResidentCredential, rpId, privateKey, userHandle, signCount }));
    await zhaoKey.remove();
    const foreign = await giveAuthenticator(zhao); // an authenticator without a key of theirs
    await zhao.click('reset-passkey');
    await zhao.until(() => document.querySelector('[data-testid="problem"]') !== null, null, { what: 'no passkey to be found' });
    await foreign.remove();
    zhaoKey = await giveAuthenticator(zhao);
    for (const kept of zhaoKeys) await zhaoKey.put(kept);
    await shoot(zhao, 'reset-passkey');
    await zhao.click('reset-passkey');
    await zhao.see('reset-done');
    await zhao.goto(`${server.url}/sign-in`);
    await zhao.fill('signin-login', accountOfZhao.login);
    await zhao.fill('signin-password', 'seven grey herons wait');
    await zhao.click('signin-submit');
    await zhao.see('way-otp');
  });
});

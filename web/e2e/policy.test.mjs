// The rules of a place reach people in the middle of a meeting: factors asked for in the page, rights taken and given
// back, removal, and why; and the key by which a browser is known again.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { binary, freePort, serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { giveAuthenticator } from './lib/authenticator.mjs';
import { code, invite, join, seesOthers, setUp, signIn, startMeeting } from './lib/people.mjs';
import { portal, portalClient } from './lib/portal.mjs';

const shots = process.env.SHOTS; // a folder: pictures of the pages, in both widths
const run = promisify(execFile);
const everybody = "- {name: everybody, when: 'true', outcome: allow}\n";

/** The API as the page sees it. */
const ask = (person, method, path, body) => person.evaluate(async ([m, p, b]) => {
  const r = await fetch(`/api/v1${p}`, { method: m, headers: { 'Content-Type': 'application/json' }, ...(b ? { body: JSON.stringify(b) } : {}) });
  return { status: r.status, body: await r.json().catch(() => null) };
}, [method, path, body]);

/** Whose connection it is, and how much it has decoded: neither may change for the worse by a question. */
const connection = (person) => person.evaluate(() => globalThis.__observer.facts().pcs);
const mic = (person) => person.evaluate(() => globalThis.__room.media.mic.on);
/** Waits until a right is taken away, or ('') until all are there and nothing is asked for. */
const standing = (person, taken, what) => person.until((one) => {
  const s = globalThis.__room.standing;
  return one === '' ? s.stepUp === null && s.restrictions.length === 0 : s.restrictions.includes(one);
}, taken, { what, ms: 15_000 });

describe('the rules during a meeting', { timeout: 360_000 }, () => {
  let server, chromium, lin, zhao, zhaoAccount, zhaoId, link;
  const rules = async (some) => {
    const now = await ask(lin, 'GET', '/policy/current');
    assert.equal(now.status, 200, JSON.stringify(now.body));
    const made = await ask(lin, 'POST', '/policy', { text: some + everybody, comment: 'a test', after: now.body.version });
    assert.equal(made.status, 201, JSON.stringify(made.body));
  };
  const rule = (when, rest) => `- {name: the-rule, when: "subject == 'u:${zhaoId}' && ${when}", reason: after hours, ${rest}}\n`;
  const incamera = (...args) => run(binary, ['admin', ...args], { env: { PATH: process.env.PATH, INCAMERA_DATA_DIR: server.dir, INCAMERA_HTTP_PUBLIC_URL: server.url } });
  const shoot = async (person, name) => {
    if (!shots) return;
    for (const [width, height] of [[390, 844], [1440, 900]]) {
      await person.page.setViewportSize({ width, height });
      await person.page.waitForTimeout(150);
      await person.page.screenshot({ path: `${shots}/${name}-${width}.png` });
    }
    await person.page.setViewportSize({ width: 1280, height: 800 });
  };
  const enter = async () => {
    await zhao.goto(link);
    await join(zhao);
    await seesOthers(zhao, 1);
  };

  before(async () => {
    server = await serve();
    chromium = await launchChromium();
    const language = process.env.SHOTS_ZH ? { locale: 'zh-CN' } : {};
    lin = await chromium.person(language);
    zhao = await chromium.person(language);
    await zhao.page.addInitScript(() => { PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false); });
    await giveAuthenticator(zhao);
    await setUp(lin, server);
    zhaoAccount = await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
    zhaoId = (await ask(zhao, 'GET', '/me')).body.user.id;
    await zhao.goto(`${server.url}/security`);
    await zhao.click('passkey-add');
    await zhao.see('passkey');
    link = await startMeeting(lin, server);
    await join(lin);
    await enter();
    await seesOthers(lin, 1);
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('a fresh factor is asked for over the meeting, a code is given, and media never stops', async () => {
    const before = await connection(zhao);
    await rules(rule('in_call', 'outcome: step_up, max_age: 1s, meanwhile: full'));
    await zhao.see('stepup');
    await seesOthers(zhao, 1); // while the question is open
    await seesOthers(lin, 1);
    await shoot(zhao, 'policy-step-up');
    await zhao.see('dock-leave');
    await zhao.click('stepup-other');
    while (!(await zhao.page.locator('[data-testid="otp-input"]').count())) await zhao.click('stepup-other');
    await zhao.fill('otp-input', code(zhaoAccount.secret));
    await zhao.gone('stepup');
    await standing(zhao, '', 'the question to be over');
    await seesOthers(zhao, 1);
    await seesOthers(lin, 1);
    assert.equal(await connection(zhao), before, 'another connection was opened');
    await rules('');
  });

  test('where a passkey is asked for the sheet takes that, and until then the person only listens', async () => {
    // The passkey of the beginning is not enough: it has to be a recent one.
    await zhao.page.waitForTimeout(10_000);
    await rules(rule('in_call', 'outcome: step_up, acr: phishing_resistant, max_age: 10s'));
    await zhao.until(() => document.querySelector('[data-testid="stepup"]')?.dataset.acr === 'phishing_resistant', null, { what: 'the sheet', ms: 15_000 });
    await standing(zhao, 'listen_only', 'listening meanwhile');
    await seesOthers(zhao, 1);
    await zhao.click('stepup-passkey');
    await zhao.gone('stepup');
    await standing(zhao, '', 'freedom');
    await rules('');
    // What was taken away comes back over a second transport, while pictures go on. It comes back switched off: nobody is
    // seen or heard again but by their own hand.
    await seesOthers(zhao, 1);
    assert.equal(await zhao.evaluate(() => globalThis.__room.media.camera.on), false, 'the camera came on by itself');
    await zhao.click('dock-camera');
    await seesOthers(lin, 1);
  });

  test('who may only listen is muted by the server, told why, and gets it back', async () => {
    if (!(await mic(zhao))) await zhao.click('dock-mic');
    await zhao.until(() => globalThis.__room.media.mic.on, null, { what: 'the microphone to be on' });
    await rules(rule('in_call', 'outcome: restrict, restrictions: [listen_only]'));
    await zhao.until(() => document.querySelector('[data-testid="standing"]')?.textContent.includes('after hours'), null, { what: 'the reason on the page', ms: 15_000 });
    await zhao.until(() => !globalThis.__room.media.mic.on && !globalThis.__room.media.camera.on, null, { what: 'microphone and camera to be off' });
    await shoot(zhao, 'policy-listen-only');
    await zhao.click('dock-mic');
    await zhao.page.waitForTimeout(500);
    assert.equal(await mic(zhao), false, 'the microphone can be turned on');
    await lin.until((id) => (globalThis.__room.participants.get(id)?.media ?? []).every((m) => !m.on), await zhao.evaluate(() => globalThis.__room.selfId), { what: 'the others to see it' });
    await seesOthers(zhao, 1); // and still watches
    await rules('');
    await zhao.until(() => document.querySelector('[data-testid="standing"]') === null, null, { what: 'the note to go', ms: 15_000 });
    await zhao.click('dock-mic');
    await zhao.until(() => globalThis.__room.media.mic.on, null, { what: 'the microphone to be on again' });
  });

  test('a decision is explained: the rule and the facts, the address of media among them', async () => {
    await rules(rule("net.media != 'unknown'", 'outcome: restrict, restrictions: [no_screen]'));
    await standing(zhao, 'no_screen', 'no screen');
    const { status, body } = await ask(lin, 'POST', '/policy/explain', {});
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.rule, 'the-rule');
    assert.deepEqual(body.steps, [{ rule: 'the-rule', result: 'yes' }]);
    assert.equal(body.facts.subject, `u:${zhaoId}`);
    assert.match(body.facts['net.media'], /^[0-9a-f.:]+$/);
    assert.match(body.facts['net.signaling'], /^[0-9a-f.:]+$/);
    await rules('');
    await standing(zhao, '', 'the screen back');
    const bad = await ask(lin, 'POST', '/policy/check', { text: "- {name: odd, when: 'role == colour', outcome: allow}\n" });
    assert.deepEqual([bad.status, bad.body.error.code, bad.body.error.rule, bad.body.error.line, bad.body.error.column], [400, 'policy_invalid', 'odd', 1, 9]);
  });

  test('who refuses the factor is out when the time is over', async () => {
    await rules(rule('in_call', 'outcome: step_up, max_age: 1s, within: 10s, late: remove'));
    await zhao.see('stepup');
    await zhao.click('stepup-no');
    await zhao.until(() => document.querySelector('[data-testid="end-reason"]')?.dataset.reason === 'policy', null, { what: 'the end, with the reason', ms: 25_000 });
    await shoot(zhao, 'policy-removed');
    await rules('');
  });

  test('the browser keeps its key: known at the next sign-in, managed when enrolled, another after it was forgotten', async () => {
    const kept = async () => {
      await zhao.goto(`${server.url}/security`);
      await zhao.until(() => document.querySelector('[data-testid="device"]')?.dataset.key, null, { what: 'the key of this browser' });
      return zhao.evaluate(() => document.querySelector('[data-testid="device"]').dataset.key);
    };
    const first = await kept();
    await shoot(zhao, 'policy-device');
    assert.equal(first.length, 43);
    await zhao.click('sign-out');
    await zhao.see('signin-login');
    await signIn(zhao, server, { ...zhaoAccount, way: 'way-otp' });
    await rules(rule('in_call && device.known', 'outcome: restrict, restrictions: [no_screen]'));
    await enter();
    await standing(zhao, 'no_screen', 'the known device');
    assert.equal(await kept(), first, 'another key');

    await rules(rule('in_call && !device.managed', 'outcome: restrict, restrictions: [no_camera]'));
    await enter();
    await standing(zhao, 'no_camera', 'the unmanaged device');
    await incamera('device', 'enroll', '--key', first, '--label', 'Desk 4');
    await standing(zhao, '', 'the enrolled device');
    await incamera('device', 'remove', '--key', first);
    await standing(zhao, 'no_camera', 'the removed device');
    await rules('');

    await kept();
    await zhao.click('device-forget');
    await zhao.click('confirm-yes');
    await zhao.see('signin-login');
    await signIn(zhao, server, { ...zhaoAccount, way: 'way-otp' });
    await enter();
    assert.notEqual(await kept(), first, 'a forgotten key came back');
  });

  test('a browser that may keep nothing has a key for the visit', async () => {
    await zhao.page.addInitScript(() => { IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError'); }; });
    await enter();
    await zhao.goto(`${server.url}/security`);
    await zhao.see('device');
    assert.equal(await zhao.evaluate(() => document.querySelector('[data-testid="device"]').dataset.key), '');
  });

  test('a page of a portal gives the factor by its tokenProvider', async () => {
    const port = await freePort();
    const client = await portalClient(server, 'casework', [`http://127.0.0.1:${port}`]);
    const site = await portal(server, client, port, { id: 'u-1', name: 'Ada of the portal' });
    const ada = await chromium.person();
    try {
      const asked = [];
      await ada.page.exposeFunction('mint', async (request) => {
        asked.push(request);
        const { body } = await client.post(`rooms/${client.room}/tokens`, {
          user: { id: 'u-1', name: 'Ada of the portal' }, role: 'host', jkt: request.jkt, amr: request.acr === 'phishing_resistant' ? ['hwk', 'user', 'mfa'] : ['mfa'],
          auth_time: Math.floor(Date.now() / 1000) - (request.acr ? 0 : 60),
        });
        return body.token;
      });
      await ada.goto(`${site.origin}/`);
      await ada.evaluate(async ([url, room]) => {
        const { prepare } = await import(`${url}/sdk/incamera.js`);
        globalThis.ours = await prepare({ url, room }).connect({ tokenProvider: (_, request) => globalThis.mint(request), mic: false, camera: false });
      }, [server.url, client.room]);
      await rules(`- {name: portal, when: "client == '${client.id}' && in_call", outcome: step_up, max_age: 30s, reason: again}\n`);
      await ada.until(() => globalThis.ours.standing.reason !== undefined && globalThis.ours.connection.signaling === 'connected', null, { what: 'the room' });
      for (const end = Date.now() + 15_000; asked.length < 2 && Date.now() < end;) await ada.page.waitForTimeout(100);
      assert.equal(asked.length, 2, JSON.stringify(asked));
      assert.equal(asked[1].acr, 'mfa');
      assert.ok(asked[1].maxAgeMs <= 30_000);
      await ada.until(() => globalThis.ours.standing.stepUp === null && globalThis.ours.standing.restrictions.length === 0, null, { what: 'freedom', ms: 15_000 });
      await rules('');
    } finally {
      await ada.close();
      await site.stop();
    }
  });
});

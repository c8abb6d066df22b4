// A host makes a stream key in the page, sees it once, and revokes it.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { setUp, startMeeting } from './lib/people.mjs';

const shots = process.env.SHOTS; // a folder: pictures of the page, in both languages and widths

describe('stream keys', { timeout: 120_000 }, () => {
  let server, chromium, lin, link;
  const shoot = async (name) => {
    if (!shots) return;
    for (const [width, height] of [[390, 844], [1440, 900]]) {
      await lin.page.setViewportSize({ width, height });
      await lin.page.screenshot({ path: `${shots}/${name}-${width}.png`, fullPage: true });
    }
  };
  before(async () => {
    server = await serve();
    chromium = await launchChromium();
    lin = await chromium.person(process.env.SHOTS_ZH ? { locale: 'zh-CN' } : {});
    await setUp(lin, server);
    link = await startMeeting(lin, server);
    await lin.goto(server.url);
    await lin.click('room-streams');
    await lin.see('stream-label');
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
  });

  test('the key is shown once, with the address of its door', async () => {
    await shoot('empty');
    await lin.fill('stream-label', 'Courtroom 4');
    await lin.click('stream-create');
    await lin.see('stream-secret');
    const secret = await lin.text('stream-secret');
    assert.match(secret, /^sk_k[a-z2-7]+_[A-Za-z0-9_-]{43}$/);
    assert.equal(await lin.text('stream-url'), `${server.url}/whip`);
    assert.match(await lin.text('stream-key'), /Courtroom 4/);
    await shoot('made');
    await lin.page.reload();
    await lin.see('stream-key');
    assert.ok(!(await lin.page.content()).includes(secret), 'the secret is shown again');
    const refused = await fetch(`${server.url}/whep`, {
      method: 'POST', headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/sdp' }, body: 'v=0',
    });
    assert.equal(refused.status, 403, 'a key to publish plays nothing');
    const garbage = await fetch(`${server.url}/whip`, {
      method: 'POST', headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/sdp' }, body: 'v=0',
    });
    assert.equal(garbage.status, 422, await garbage.clone().text());
    assert.equal((await garbage.json()).error.code, 'bad_offer');
    lin.secret = secret;
  });

  test('a revoked key opens nothing', async () => {
    await lin.click('stream-revoke');
    await lin.click('confirm-yes');
    await lin.until(() => document.querySelectorAll('[data-testid="stream-key"]').length === 0, null, { what: 'the key to be gone' });
    const refused = await fetch(`${server.url}/whip`, {
      method: 'POST', headers: { authorization: `Bearer ${lin.secret}`, 'content-type': 'application/sdp' }, body: 'v=0',
    });
    assert.equal(refused.status, 401);
    assert.ok(link.includes('/r/'));
  });
});

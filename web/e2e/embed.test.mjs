// A meeting inside a page of another origin: the example portal, third-party cookies refused, and pages that may not.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { createServer, get } from 'node:http';
import { once } from 'node:events';
import { freePort, serve } from './lib/server.mjs';
import { launchStrictChromium } from './lib/browsers.mjs';
import { portal, portalClient } from './lib/portal.mjs';
import { hearsOthers, seesOthers } from './lib/people.mjs';
import { by } from './lib/metrics.mjs';

/** A site that sets a cookie and says which it was sent. */
async function cookieSite() {
  const s = createServer((request, response) => {
    const { origin } = request.headers;
    response.writeHead(200, {
      'set-cookie': 'seen=1; Path=/; SameSite=None; Secure', 'content-type': 'text/plain', 'cache-control': 'no-store',
      ...(origin ? { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' } : {}),
    }).end(request.headers.cookie ?? 'none');
  }).listen(0, '127.0.0.1');
  await once(s, 'listening');
  return { url: `http://localhost:${s.address().port}/`, stop: () => new Promise((done) => { s.closeAllConnections(); s.close(done); }) };
}

describe('a meeting in a page of another origin', { timeout: 180_000 }, () => {
  let server, chromium, ours, theirs, adaAt, boAt, otherAt, strangerAt, ada, bo;
  const contacted = new Set();

  /** Keeps every origin a page speaks to. */
  const follow = (person) => {
    person.page.on('request', (r) => { if (/^(https?|wss?):/.test(r.url())) contacted.add(new URL(r.url()).origin); });
    person.page.on('websocket', (w) => contacted.add(new URL(w.url()).origin.replace(/^ws/, 'http')));
  };
  /** Loads the SDK in a page and gives the thumbprint of its key; the page keeps what it has prepared. */
  const prepareIn = (person, room) => person.evaluate(async ([url, id]) => {
    const { prepare } = await import(`${url}/sdk/incamera.js`);
    globalThis.prepared = prepare({ url, room: id });
    return globalThis.prepared.jkt;
  }, [server.url, room]);
  const connectIn = (person, token) => person.evaluate((t) => globalThis.prepared.connect({ token: t }).then(() => 'joined', (e) => e.code), token);

  before(async () => {
    server = await serve();
    const ports = [await freePort(), await freePort(), await freePort(), await freePort()];
    const origins = ports.map((p) => `http://127.0.0.1:${p}`);
    ours = await portalClient(server, 'casework', origins.slice(0, 2));
    theirs = await portalClient(server, 'elsewhere', [origins[2]]);
    adaAt = await portal(server, ours, ports[0], { id: 'u-1', name: 'Ada of the portal' });
    boAt = await portal(server, ours, ports[1], { id: 'u-2', name: 'Bo of the portal' });
    otherAt = await portal(server, theirs, ports[2], { id: 'u-1', name: 'Cy of elsewhere' });
    strangerAt = await portal(server, ours, ports[3], { id: 'u-3', name: 'Dee of nowhere' });
    chromium = await launchStrictChromium();
    [ada, bo] = [await chromium.person(), await chromium.person()];
  });
  after(async () => {
    await chromium?.close();
    await Promise.all([adaAt, boAt, otherAt, strangerAt].map((p) => p?.stop()));
    await server?.stop();
  });

  test('this browser refuses third-party cookies', async () => {
    const site = await cookieSite();
    try {
      const page = await chromium.person();
      await page.goto(site.url);
      await page.goto(site.url);
      assert.equal(await page.evaluate(() => document.body.innerText), 'seen=1', 'first-party cookies work');
      await page.goto(adaAt.origin);
      const sent = await page.evaluate(async (url) => {
        await fetch(url, { credentials: 'include' });
        return (await fetch(url, { credentials: 'include' })).text();
      }, site.url);
      assert.equal(sent, 'none');
      await page.close();
    } finally {
      await site.stop();
    }
  });

  test('two people of the portal meet in its page', async () => {
    for (const [person, at] of [[ada, adaAt], [bo, boAt]]) {
      follow(person);
      await person.goto(`${at.origin}/`);
      await person.page.locator('#join').click();
    }
    await Promise.all([ada, bo].map(async (p) => {
      await p.until(() => [...document.querySelectorAll('#people video')].filter((v) => v.videoWidth > 0 && v.readyState >= 2).length === 2, null, { what: 'two pictures on the page', ms: 20_000 });
      await seesOthers(p, 1);
      await hearsOthers(p, 1);
    }));
    for (const p of [ada, bo]) assert.equal(await p.evaluate(() => document.getElementById('status').value), '');
  });

  test('the pages speak to the portal and to the server, and to nobody else', () => {
    assert.deepEqual([...contacted].sort(), [adaAt.origin, boAt.origin, server.url].sort());
  });

  test('a page of an origin nobody registered is refused before the upgrade, and says so', async () => {
    const earlier = await by(server.admin, 'incamera_signaling_sockets_refused_total');
    const dee = await chromium.person();
    await dee.goto(`${strangerAt.origin}/`);
    const opened = await dee.evaluate((url) => new Promise((done) => {
      const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/api/v1/ws`, ['incamera.v1']);
      ws.onopen = () => done('open');
      ws.onclose = (e) => done(e.code);
    }), server.url);
    assert.equal(opened, 1006);
    await dee.page.locator('#join').click();
    await dee.until(() => document.getElementById('status').value !== '', null, { what: 'the refusal on the page' });
    const refused = await by(server.admin, 'incamera_signaling_sockets_refused_total');
    assert.ok(refused.origin >= earlier.origin + 2, `refused by origin: ${earlier.origin} → ${refused.origin}`);
    const status = await new Promise((done, fail) => {
      get(`${server.url}/api/v1/ws`, {
        headers: {
          origin: strangerAt.origin, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-protocol': 'incamera.v1',
        },
      }, (r) => { r.resume(); done(r.statusCode); }).on('error', fail);
    });
    assert.equal(status, 403);
    await dee.close();
  });

  test('a token of one client is refused from the page of another', async () => {
    const cy = await chromium.person();
    await cy.goto(`${otherAt.origin}/`);
    const jkt = await prepareIn(cy, ours.room);
    const token = await adaAt.token(jkt);
    assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.equal(await connectIn(cy, token), 'unauthorized');
    const again = await prepareIn(cy, theirs.room);
    assert.equal(await connectIn(cy, await otherAt.token(again)), 'joined', 'with a token of its own client it joins');
    await cy.close();
  });

  test('a client gets no token for the room of another', async () => {
    const { status, body } = await theirs.post(`rooms/${ours.room}/tokens`, {
      user: { id: 'u-9', name: 'Eve' }, role: 'host', jkt: 'A'.repeat(43), amr: ['mfa'], auth_time: Math.floor(Date.now() / 1000) - 5,
    });
    assert.equal(status, 403);
    assert.equal(body.error.code, 'forbidden');
  });

  test('without a second factor a client gets no token either', async () => {
    const { status, body } = await ours.post(`rooms/${ours.room}/tokens`, {
      user: { id: 'u-1', name: 'Ada of the portal' }, jkt: 'A'.repeat(43), amr: ['pwd'], auth_time: Math.floor(Date.now() / 1000) - 5,
    });
    assert.equal(status, 403);
    assert.equal(body.error.code, 'second_factor_required');
  });
});

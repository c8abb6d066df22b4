// `incamera serve --tls --host NAME`: HTTPS by a local authority, and a restart under a running meeting.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { X509Certificate, createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { connect } from 'node:tls';
import { Process, place, serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { hearsOthers, invite, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';

const host = 'meet.test.lan';

describe('on a local network, over TLS', { timeout: 240_000 }, () => {
  let home, url, server, chromium, lin, zhao, link;
  const start = (again) => serve({}, { at: home, again, url, args: ['--tls', '--host', host] });

  /** A TLS connection as a device that trusts the local authority makes it. */
  const handshake = async (options = {}) => {
    const ca = await readFile(path(home.dir, 'tls', 'ca.crt'));
    return new Promise((done, fail) => {
      const s = connect({ host: '127.0.0.1', port: home.http, servername: host, ca, ...options }, () => {
        const seen = { authorized: s.authorized, protocol: s.getProtocol(), names: s.getPeerCertificate().subjectaltname };
        s.destroy();
        done(seen);
      });
      s.on('error', fail);
    });
  };

  before(async () => {
    home = await place();
    url = `https://${host}:${home.http}`;
    server = await start(false);
    const leaf = new X509Certificate(await readFile(path(home.dir, 'tls', 'leaf.crt')));
    const pin = createHash('sha256').update(leaf.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
    chromium = await launchChromium([`--host-resolver-rules=MAP ${host} 127.0.0.1`, `--ignore-certificate-errors-spki-list=${pin}`]);
    [lin, zhao] = [await chromium.person(), await chromium.person()];
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
    if (home) await rm(home.dir, { recursive: true, force: true });
  });

  test('the address, the setup link and what to trust are printed', () => {
    const { output } = server.process;
    assert.ok(output.includes(`is ready: ${url}\n`));
    assert.ok(output.includes(`${url}/setup#`));
    assert.ok(output.includes(path(home.dir, 'tls', 'ca.crt')));
  });

  test('the certificate is good for the name to whoever trusts the authority, and to nobody else', async () => {
    const seen = await handshake();
    assert.equal(seen.authorized, true);
    assert.equal(seen.protocol, 'TLSv1.3');
    assert.match(seen.names, /DNS:meet\.test\.lan/);
    await assert.rejects(handshake({ ca: [] }), /certificate|issuer/);
    await assert.rejects(handshake({ servername: 'other.test.lan' }), /altnames|does not match/);
    await assert.rejects(handshake({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), /protocol|version|alert/);
  });

  test('plain HTTP gets no page', async () => {
    const r = await fetch(`http://127.0.0.1:${home.http}/`).then((a) => a.status, () => 'refused');
    assert.ok(r === 400 || r === 'refused', `${r}`);
  });

  test('the page is a secure context over TLS 1.3, and the cookies are bound to host and TLS', async () => {
    const answer = await lin.page.goto(`${url}/sign-in`);
    assert.equal((await answer.securityDetails()).protocol, 'TLS 1.3');
    assert.equal(await lin.evaluate(() => isSecureContext), true);
    await setUp(lin, server);
    await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
    const jar = await lin.page.context().cookies();
    // The sign-in, and what binds the question for a passkey to this browser.
    assert.deepEqual(jar.map((c) => c.name).sort(), ['__Host-incamera', '__Host-incamera-ceremony']);
    for (const { secure, httpOnly, sameSite, path: where, domain } of jar) {
      assert.deepEqual({ secure, httpOnly, where, domain }, { secure: true, httpOnly: true, where: '/', domain: host });
      assert.match(sameSite, /^(Strict|Lax)$/);
    }
  });

  test('two people meet over WSS', async () => {
    const sockets = [];
    lin.page.on('websocket', (w) => sockets.push(w.url()));
    link = await startMeeting(lin, server);
    await join(lin);
    await zhao.goto(link);
    await join(zhao);
    await Promise.all([lin, zhao].flatMap((p) => [seesOthers(p, 1), hearsOthers(p, 1)]));
    assert.ok(sockets.length > 0 && sockets.every((s) => s === `wss://${host}:${home.http}/api/v1/ws`), `${sockets}`);
  });

  test('SIGTERM: people read calmly that the connection is sought again, and the process ends well', async () => {
    const begun = Date.now();
    const [ended] = await Promise.all([server.stop(), ...[lin, zhao].map((p) => p.see('reconnecting'))]);
    console.log(`ended after ${Date.now() - begun} ms`);
    assert.deepEqual(ended, { code: 0, signal: null });
    assert.ok(Date.now() - begun < 15_000);
    for (const p of [lin, zhao]) {
      assert.equal(await p.evaluate(() => document.querySelectorAll('[data-testid="toast"][data-kind="alert"], [data-testid="end-reason"]').length), 0, 'nothing is alarming');
    }
  });

  test('started again in the same place: people are back, or read why not and rejoin with one press', async () => {
    server = await start(true);
    assert.equal(server.process.output.includes('/setup#'), false, 'no setup link: there are accounts');
    for (const p of [lin, zhao]) {
      const how = await p.until(() => {
        const end = document.querySelector('[data-testid="end-reason"]');
        if (end) return `told: ${end.dataset.reason}: ${end.innerText.replaceAll('\n', ' ')}`;
        return globalThis.__room.connection.signaling === 'connected' ? 'back' : null;
      }, null, { what: 'back, or told', ms: 40_000 });
      console.log(how);
      if (how === 'back') continue;
      assert.match(how, /told: (expired|ended|unreachable): \w+/);
      await p.click('end-rejoin');
      await join(p);
    }
    await Promise.all([lin, zhao].flatMap((p) => [seesOthers(p, 1), hearsOthers(p, 1)]));
  });
});

describe('production', { timeout: 60_000 }, () => {
  /** Starts in production mode with these settings on top of the defaults; it is expected to refuse. */
  async function refused(env) {
    const dir = await mkdtemp(path(tmpdir(), 'incamera-production-'));
    try {
      const p = new Process(['serve'], { INCAMERA_MODE: 'production', INCAMERA_DATA_DIR: dir, ...env });
      const timer = setTimeout(() => p.child.kill('SIGKILL'), 20_000);
      const { code } = await p.exited;
      clearTimeout(timer);
      return { code, output: p.output };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  test('refuses the defaults of one machine, in words, and starts nothing', async () => {
    const { code, output } = await refused({});
    assert.equal(code, 1);
    for (const key of ['http.tls.mode', 'http.public_url', 'name']) assert.match(output, new RegExp(`${key}: not in mode production: \\w+`), key);
    assert.doesNotMatch(output, /setup#|is ready/);
  });

  test('refuses metrics on the network', async () => {
    const { code, output } = await refused({
      INCAMERA_NAME: 'example', INCAMERA_HTTP_PUBLIC_URL: 'https://meet.example.org', INCAMERA_HTTP_TLS_MODE: 'local', INCAMERA_ADMIN_LISTEN: '0.0.0.0:0',
    });
    assert.equal(code, 1);
    assert.match(output, /admin\.listen: not in mode production: \w+/);
  });
});

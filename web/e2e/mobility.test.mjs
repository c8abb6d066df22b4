// A person whose network changes in the middle of a call: another address, another port at the NAT.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { X509Certificate, createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join as path } from 'node:path';
import { place, serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { invite, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';
import { Wire, namespacesMissing } from './lib/namespaces.mjs';

const host = 'meet.test.lan';
const skip = namespacesMissing() ?? false;

/** Samples how many media packets have come, and notes what the browser tells of its connection. */
const recorder = () => {
  const log = [];
  const samples = [];
  const at = () => Math.round(performance.timeOrigin + performance.now());
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...a) {
      super(...a);
      this.addEventListener('iceconnectionstatechange', () => log.push([at(), this.iceConnectionState]));
      this.addEventListener('signalingstatechange', () => log.push([at(), this.signalingState]));
      this.addEventListener('icecandidate', (e) => e.candidate?.candidate && log.push([at(), e.candidate.candidate.replace(/.* (udp|tcp) \d+ (\S+ \d+) .*/, '$1 $2')]));
      setInterval(async () => {
        if (this.connectionState === 'closed') return;
        let packets = 0;
        for (const s of (await this.getStats()).values()) if (s.type === 'inbound-rtp') packets += s.packetsReceived ?? 0;
        samples.push([at(), packets]);
      }, 25);
    }
  };
  for (const name of ['online', 'offline']) addEventListener(name, () => log.push([at(), name]));
  globalThis.__mobility = {
    log,
    /** The longest time without a packet since then. */
    gap(since) {
      let last = since, most = 0, had = -1;
      for (const [t, n] of samples) {
        if (n > had && t > since) {
          most = Math.max(most, t - last);
          last = t;
        }
        had = Math.max(had, n);
      }
      return Math.max(most, at() - last);
    },
  };
};

describe('a client that moves', { skip, timeout: 110_000 }, () => {
  let wire, home, server, chromium, lin, zhao;

  before(async () => {
    wire = await new Wire().up();
    home = await place();
    const url = `https://${host}:${home.http}`;
    server = await serve({ INCAMERA_HTTP_LISTEN: `0.0.0.0:${home.http}`, INCAMERA_MEDIA_LISTEN: `${wire.serverIP}:${home.udp}` },
      { at: home, url, args: ['--tls', '--host', host], prefix: wire.prefix });
    const leaf = new X509Certificate(await readFile(path(home.dir, 'tls', 'leaf.crt')));
    const pin = createHash('sha256').update(leaf.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
    chromium = await launchChromium([`--host-resolver-rules=MAP ${host} ${wire.serverIP}`, `--ignore-certificate-errors-spki-list=${pin}`],
      { executablePath: await wire.onClient('/usr/bin/chromium') });
    [lin, zhao] = [await chromium.person(), await chromium.person()];
    await lin.page.context().addInitScript(recorder);
    await setUp(lin, server);
    await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
    const link = await startMeeting(lin, server);
    await join(lin);
    await zhao.goto(link);
    await join(zhao);
    await Promise.all([seesOthers(lin, 1), seesOthers(zhao, 1)]);
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
    await wire?.down();
    if (home) await rm(home.dir, { recursive: true, force: true });
  });

  /** The longest time without media at a person whose network changes, looked at for a while. */
  async function outage(person, change, ms) {
    const since = Date.now();
    await person.evaluate(() => { globalThis.__mobility.log.length = 0; });
    await change();
    await new Promise((r) => setTimeout(r, ms));
    const [gap, log] = await person.evaluate((t) => [globalThis.__mobility.gap(t), globalThis.__mobility.log], since);
    if (process.env.MOBILITY_LOG) console.log(JSON.stringify(log.map(([t, what]) => [t - since, what])));
    return gap;
  }

  async function goesOn() {
    await Promise.all([seesOthers(lin, 1), seesOthers(zhao, 1)]);
    assert.deepEqual(await lin.evaluate(() => {
      const { signaling, media } = globalThis.__room.connection;
      return { signaling, media };
    }), { signaling: 'connected', media: 'connected' });
  }

  test('the NAT gives another port: media goes on at once, and ICE needs not restart', async () => {
    const ports = [0, 1].map((i) => [40100 + i, home.udp + i]);
    const box = spawn('ip', ['netns', 'exec', wire.server, process.execPath, new URL('./lib/natbox.mjs', import.meta.url).pathname,
      wire.serverIP, ...ports.map((p) => p.join(':'))], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(box.stdout, 'data');
      for (const [port, to] of ports) {
        await wire.exec(wire.client, 'iptables', '-t', 'nat', '-A', 'OUTPUT', '-p', 'udp', '--dport', `${to}`, '-j', 'DNAT', '--to-destination', `${wire.serverIP}:${port}`);
      }
      for (const p of [lin, zhao]) {
        await p.page.reload();
        await join(p);
      }
      await goesOn();
      const gaps = [];
      for (let i = 0; i < 5; i++) gaps.push(await outage(lin, () => box.stdin.write('rebind\n'), 3500));
      console.log(`NAT rebinding: longest time without a packet ${gaps.join(', ')} ms`);
      await goesOn();
      assert.ok(Math.max(...gaps) < 2000, `${gaps}`);
    } finally {
      await wire.exec(wire.client, 'iptables', '-t', 'nat', '-F');
      box.kill();
    }
  });

  test('another address: media is back, in the same meeting', async () => {
    for (const p of [lin, zhao]) {
      await p.page.reload();
      await join(p);
    }
    await goesOn();
    const gaps = [];
    for (const last of [3, 4, 5]) gaps.push(await outage(lin, () => wire.readdress(`10.77.0.${last}`), 6000));
    console.log(`address change: longest time without a packet ${gaps.join(', ')} ms`);
    await goesOn();
    assert.ok(Math.max(...gaps) < 6000, `${gaps}`);
  });

  describe('the network test', () => {
    const verdict = (p) => p.until(() => document.querySelector('.net [aria-busy="false"]') && document.querySelector('[data-testid="network-verdict"]')?.dataset.verdict, null, { ms: 20_000, what: 'a verdict' });
    const path = (p, kind) => p.evaluate((k) => {
      const e = document.querySelector(`[data-testid="path-${k}"]`);
      return { ok: e.dataset.ok, why: e.dataset.why, text: e.innerText };
    }, kind);

    test('where UDP is open, it says so', async () => {
      await lin.goto(`${server.url}/`);
      await lin.click('home-network');
      assert.equal(await verdict(lin), 'good');
      const udp = await path(lin, 'udp4');
      assert.equal(udp.ok, 'true');
      assert.match(udp.text, /Works, connected in \d+ ms/);
      assert.equal((await path(lin, 'websocket')).ok, 'true');
      assert.match((await path(lin, 'udp6')).text, /does not offer/);
    });

    test('where UDP is blocked, it says so and why', async () => {
      await wire.exec(wire.client, 'iptables', '-A', 'OUTPUT', '-p', 'udp', '-j', 'DROP');
      try {
        await lin.click('network-again');
        const said = await verdict(lin);
        assert.equal(said, 'fallback');
        const udp = await path(lin, 'udp4');
        assert.deepEqual([udp.ok, udp.why], ['false', 'blocked']);
        assert.match(udp.text, new RegExp(`Nothing comes back from ${wire.serverIP}:\\d+\\. A firewall`));
        for (const kind of ['tcp', 'turn_tcp']) { // the ways that are left lead to the port of the pages
          const way = await path(lin, kind);
          assert.deepEqual([way.ok, way.why], ['true', ''], kind);
          assert.match(way.text, /Works, connected in \d+ ms/);
        }
        assert.equal((await path(lin, 'websocket')).ok, 'true');
        if (process.env.SHOTS) await lin.screenshot(`${process.env.SHOTS}/network-blocked-en.png`);
      } finally {
        await wire.exec(wire.client, 'iptables', '-F', 'OUTPUT');
      }
    });
    test('on a phone and in Chinese', async () => {
      if (process.env.SHOTS) await lin.screenshot(`${process.env.SHOTS}/network-desktop-en.png`);
      await lin.page.setViewportSize({ width: 390, height: 844 });
      await lin.click('language');
      await lin.click('network-again');
      await verdict(lin);
      const wide = await lin.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(wide, false, 'nothing is wider than the phone');
      assert.match((await path(lin, 'udp4')).text, /可用/);
      if (process.env.SHOTS) await lin.screenshot(`${process.env.SHOTS}/network-phone-zh.png`);
    });
  });
});

// Runs on the client's host of paths.test.mjs: a meeting with Chromium and Firefox where no UDP passes over IPv4.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join as path } from 'node:path';
import { freeUDP, place, serve } from './server.mjs';
import { launchChromium, launchFirefox } from './browsers.mjs';
import { hearsOthers, invite, join, seesOthers, setUp, startMeeting } from './people.mjs';

const serverIP = process.env.PATHS_SERVER_IP;
const serverName = process.env.PATHS_SERVER_NAME;

/**
 * Lets a page use nothing but relays, of one kind: what their addresses look like. With `policy` the browser is told so;
 * else the page tries what it tries, and its network passes nothing of it (TCP is not told to it, UDP ends at the firewall).
 */
const relayOnly = ([looks, policy]) => {
  const kind = new RegExp(looks);
  const Native = globalThis.RTCPeerConnection;
  const only = (c) => ({
    ...c, ...(policy && { iceTransportPolicy: 'relay' }),
    iceServers: (c.iceServers ?? []).map((s) => ({ ...s, urls: [s.urls].flat().filter((u) => kind.test(u)) })).filter((s) => s.urls.length > 0),
  });
  globalThis.RTCPeerConnection = class extends Native {
    constructor(c = {}) { super(only(c)); }
    setConfiguration(c) { super.setConfiguration(only(c)); }
    setRemoteDescription({ type, sdp }) {
      return super.setRemoteDescription({ type, sdp: sdp.replace(/^a=candidate:\S+ \d+ tcp .*\r\n/gmi, '') });
    }
  };
};

/**
 * Spoils what the page is told for its network test: wrong credentials for the relay over TCP, a bare address for TLS, a port
 * behind the firewall for UDP; or, with `down`, no media node at all.
 */
const spoilTest = ([address, down]) => {
  const fetch = globalThis.fetch;
  globalThis.fetch = async (url, init) => {
    if (!String(url).includes('/network-test')) return fetch(url, init);
    if (down) return new Response('{"error":{"code":"unavailable","message":"no node"}}', { status: 503 });
    const response = await fetch(url, init);
    if (!response.ok) return response;
    const body = await response.json();
    body.ice_servers = body.ice_servers.flatMap(({ urls, ...rest }) => urls.map((u) => {
      if (u.startsWith('turns:')) return { ...rest, urls: [u.replace(/:[^:?]+:/, `:${address}:`)] };
      return u.endsWith('tcp') ? { ...rest, urls: [u], credential: 'a guess' } : { ...rest, urls: [u.replace(/:\d+\?/, ':3479?')] };
    }));
    return new Response(JSON.stringify(body), { status: 200 });
  };
};

/** What the page of the network test says: its verdict in a word and a sentence, and of each way why not. */
async function networkTest(p, server, shot) {
  await p.goto(`${server.url}/network`);
  await p.until(() => !!document.querySelector('.net [aria-busy="false"]') && !!document.querySelector('[data-testid="network-verdict"]'), null, { ms: 30_000, what: 'a verdict' });
  if (process.env.SHOTS) await p.screenshot(`${process.env.SHOTS}/network-${p.browser}-${shot}.png`);
  return p.evaluate(() => {
    const verdict = document.querySelector('[data-testid="network-verdict"]');
    const ways = [...document.querySelectorAll('[data-testid^="path-"]')].map((e) => [e.dataset.testid.slice(5), { why: e.dataset.why, text: e.innerText }]);
    return { verdict: verdict.dataset.verdict, says: verdict.innerText, ...Object.fromEntries(ways) };
  });
}

/** The pair that media goes over: what the browser says of both ends. */
const way = () => Promise.all(globalThis.__observer.pcs.filter((pc) => pc.connectionState === 'connected').map(async (pc) => {
  const all = new Map(await pc.getStats());
  const pairs = [...all.values()].filter((s) => s.type === 'candidate-pair');
  const chosen = [...all.values()].find((s) => s.type === 'transport')?.selectedCandidatePairId;
  const pair = all.get(chosen) ?? pairs.find((p) => p.selected) ?? pairs.find((p) => p.nominated && p.state === 'succeeded');
  const local = all.get(pair?.localCandidateId);
  const remote = all.get(pair?.remoteCandidateId);
  return { protocol: local?.protocol, type: local?.candidateType, relay: local?.relayProtocol, to: remote?.address, port: remote?.port };
})).then((list) => list.at(-1));

describe('where no UDP passes', { timeout: 560_000 }, () => {
  let home, server, chromium, firefox, lin, zhao, chen, link;
  before(async () => {
    home = { ...await place(), turn: await freeUDP(1) };
    const url = `https://${serverName}:${home.http}`;
    server = await serve({
      INCAMERA_HTTP_LISTEN: `[::]:${home.http}`, INCAMERA_MEDIA_LISTEN: `[::]:${home.udp}`, INCAMERA_MEDIA_ADVERTISE: `${serverIP},fd77::1`,
      INCAMERA_MEDIA_TURN_UDP: `0.0.0.0:${home.turn}`,
    }, { at: home, url, args: ['--tls', '--host', serverName], prefix: ['ip', 'netns', 'exec', process.env.PATHS_SERVER] });
    const leaf = new X509Certificate(await readFile(path(home.dir, 'tls', 'leaf.crt')));
    const pin = createHash('sha256').update(leaf.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
    chromium = await launchChromium([`--ignore-certificate-errors-spki-list=${pin}`, '--ignore-certificate-errors']);
    firefox = await launchFirefox({ acceptInsecureCerts: true });
    [lin, zhao, chen] = [await chromium.person(), await chromium.person(), await firefox.person()];
    await setUp(lin, server);
    await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
    await invite(lin, chen, server, { name: 'Chen Jing', login: 'chen.jing' });
  });
  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await server?.stop();
    if (home) await rm(home.dir, { recursive: true, force: true });
  });

  test('Chromium and Firefox meet over TCP, on the port of the pages', async () => {
    link = await startMeeting(lin, server);
    await join(lin);
    await chen.goto(link);
    await join(chen);
    await Promise.all([lin, chen].map(async (p) => {
      await seesOthers(p, 1);
      await hearsOthers(p, 1);
    }));
    for (const p of [lin, chen]) {
      const w = await p.evaluate(way);
      console.log(`${p.browser}: ${JSON.stringify(w)}`);
      assert.equal(w.protocol, 'tcp', p.browser);
      assert.notEqual(w.type, 'relay', p.browser);
      assert.equal(w.port, home.http, p.browser);
    }
  });

  for (const [looks, protocol, policy] of [['^turns:', 'tls', false], ['^turn:.*=tcp', 'tcp', true], ['^turn:.*=udp', 'udp', true]]) {
    test(`whoever gets out over ${protocol} to a relay only is in the meeting too, in Chromium and in Firefox`, async () => {
      if (protocol === 'udp') execFileSync('ip', ['netns', 'exec', process.env.PATHS_SERVER, 'iptables', '-I', 'INPUT', '-p', 'udp', '--dport', `${home.turn}`, '-j', 'ACCEPT']);
      for (const p of [zhao, chen]) {
        await p.again(relayOnly, [looks, policy]);
        await p.goto(link);
        const begin = Date.now();
        await join(p);
        await seesOthers(p, 2);
        const w = await p.evaluate(way);
        console.log(`${p.browser} over the ${protocol} relay: others seen after ${Date.now() - begin} ms, ${JSON.stringify(w)}`);
        assert.equal(w.type, 'relay', p.browser);
        assert.equal(w.relay, protocol, p.browser);
      }
      await seesOthers(lin, 2);
      await hearsOthers(lin, 2);
    });
  }

  test('the page of the network test says which ways lead to the server, and why others do not', async () => {
    for (const p of [zhao, chen]) {
      await p.again();
      const said = await networkTest(p, server, 'blocked');
      console.log(`${p.browser}: ${JSON.stringify(said)}`);
      assert.deepEqual([said.verdict, said.udp4.why, said.tcp.why, said.turn_tcp.why, said.turn_tls.why, said.websocket.why], ['fallback', 'blocked', '', '', '', ''], p.browser);
      assert.match(said.says, /your network blocks UDP\. Sound and picture go another way \(TCP\)/);
      assert.match(said.udp4.text, /Nothing comes back from 10\.77\.0\.1:\d+\. A firewall/);
    }
    await new Promise((r) => setTimeout(r, 16_000)); // one person's tests are closed after 15 s, and bounded
    for (const [p, address] of [[zhao, ''], [chen, 'by_name']]) {
      await p.again(spoilTest, [serverIP, false]);
      const said = await networkTest(p, server, 'spoilt');
      console.log(`${p.browser}: ${JSON.stringify(said)}`);
      assert.deepEqual([said.turn_udp.why, said.turn_tcp.why, said.turn_tls.why], ['blocked', 'refused', address], p.browser);
      await p.again(spoilTest, [serverIP, true]);
      const down = await networkTest(p, server, 'down');
      assert.equal(down.verdict, 'no_node', p.browser);
      assert.match(down.says, /No media server is ready.*not your network/);
      assert.match(down.tcp.text, /no media server is ready/);
    }
    await zhao.page.setViewportSize({ width: 390, height: 844 });
    await zhao.click('language');
    assert.match((await networkTest(zhao, server, 'down-phone-zh')).says, /没有可用的媒体服务器/);
    if (!process.env.SHOTS) return;
    await new Promise((r) => setTimeout(r, 16_000));
    await zhao.again(spoilTest, [serverIP, false]);
    await zhao.page.setViewportSize({ width: 390, height: 844 });
    await networkTest(zhao, server, 'spoilt-phone-zh');
    assert.equal(await zhao.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'nothing is wider than the phone');
  });

  test('the node counts the ways', async () => {
    const text = execFileSync('ip', ['netns', 'exec', process.env.PATHS_SERVER, process.execPath, '-e',
      `fetch(${JSON.stringify(`${server.admin}/metrics`)}).then((r) => r.text()).then((t) => process.stdout.write(t))`], { encoding: 'utf8' });
    for (const p of ['tcp', 'turn_udp', 'turn_tcp', 'turn_tls']) {
      assert.ok(new RegExp(`incamera_sfu_paths_total\\{family="ipv4",path="${p}",role="node"\\} [1-9]`).test(text), p);
    }
    assert.ok(/what="engine_media_refused"\} 0/.test(text));
  });

  test('over IPv6 UDP passes, and the browsers use it', async () => {
    execFileSync('ip6tables', ['-F', 'OUTPUT']);
    execFileSync('iptables', ['-A', 'OUTPUT', '-p', 'tcp', '!', '--dport', `${home.http}`, '-d', serverIP, '-j', 'REJECT']);
    for (const p of [lin, chen]) {
      await p.again();
      await p.goto(link);
      await join(p);
    }
    await Promise.all([lin, chen].map((p) => seesOthers(p, 1)));
    for (const p of [lin, chen]) {
      const w = await p.evaluate(way);
      console.log(`${p.browser}: ${JSON.stringify(w)}`);
      assert.equal(w.protocol, 'udp', p.browser);
      assert.equal(w.to, 'fd77::1', p.browser);
    }
  });
});

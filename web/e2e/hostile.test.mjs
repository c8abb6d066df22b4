// While two people meet, somebody throws everything at the server. The two notice nothing, every refusal is typed or
// counted, and nothing secret is written down.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { promisify } from 'node:util';
import { binary, serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { hearsOthers, invite, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';
import { by, series } from './lib/metrics.mjs';
import { claimsOf, clientKey, signAs } from './lib/forge.mjs';
import { flood } from './lib/garbage.mjs';
import { frame, opcode, rawSocket } from './lib/rawsocket.mjs';
import { Secrets } from './lib/secrets.mjs';

const run = promisify(execFile);

describe('a meeting under attack', { timeout: 240_000 }, () => {
  let server, chromium, lin, zhao, sun, room, cookie, offer, pid, memory, elsewhere;
  const secrets = new Secrets();

  const resident = async () => Number((await readFile(`/proc/${pid}/status`, 'utf8')).match(/VmRSS:\s+(\d+)/)[1]) / 1024;
  const drops = () => by(server.admin, 'incamera_signaling_drops_total');
  /** Both go on seeing and hearing each other. */
  const meeting = () => Promise.all([lin, zhao].flatMap((p) => [seesOthers(p, 1), hearsOthers(p, 1)]));
  /** A socket that has said hello. */
  const greeted = async (origin = server.url) => {
    const s = await rawSocket(server.url, { headers: origin ? { origin } : {} });
    return Object.assign(s, { welcome: await s.hello() });
  };
  /** A good token of Sun Wei's for this key. */
  const tokenFor = async (key) => {
    const r = await fetch(`${server.url}/api/v1/rooms/${room}/token`, {
      method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify({ jkt: key.jkt }),
    });
    assert.equal(r.status, 200);
    const { token } = await r.json();
    secrets.add(token);
    return token;
  };
  const joinWith = (s, key, token, sdp = offer) =>
    s.ask({ join: { token, proof: key.prove(token, s.welcome), offer: sdp, media: {} } });

  before(async () => {
    server = await serve({ INCAMERA_LOG_LEVEL: 'debug' });
    pid = server.process.child.pid;
    elsewhere = await mkdtemp(path(tmpdir(), 'incamera-foreign-'));
    chromium = await launchChromium();
    [lin, zhao, sun] = [await chromium.person(), await chromium.person(), await chromium.person()];
    for (const p of [lin, zhao, sun]) secrets.follow(p.page);
    const accounts = [
      await setUp(lin, server),
      await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' }),
      await invite(lin, sun, server, { name: 'Sun Wei', login: 'sun.wei' }),
    ];
    for (const a of accounts) secrets.add(a.password, a.secret, ...a.recovery);
    for (const p of [lin, zhao, sun]) {
      const jar = await p.page.context().cookies();
      secrets.add(...jar.map((c) => c.value));
      if (p === sun) cookie = jar.map((c) => `${c.name}=${c.value}`).join('; ');
    }
    const link = await startMeeting(lin, server);
    room = link.split('/').at(-1);
    await join(lin);
    await zhao.goto(link);
    await join(zhao);
    await meeting();
    offer = await lin.evaluate(() => globalThis.__observer.pcs.at(-1).localDescription.sdp);
    memory = await resident();
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
    if (elsewhere) await rm(elsewhere, { recursive: true, force: true });
  });

  test('50 000 datagrams of garbage are dropped, each for a reason, and the picture goes on', async () => {
    const packets = 'incamera_sfu_dropped_packets_total';
    const [earlier, lost] = [await by(server.admin, packets), await by(server.admin, 'incamera_sfu_socket_dropped_datagrams_total')];
    const ufrag = await lin.evaluate(() => globalThis.__observer.pcs.at(-1).remoteDescription.sdp.match(/a=ice-ufrag:(\S+)/)[1]);
    const [sent] = await Promise.all([flood({ ports: [server.udp, server.udp + 1], count: 50_000, ufrag }), meeting()]);
    const [later, gone] = [await by(server.admin, packets), await by(server.admin, 'incamera_sfu_socket_dropped_datagrams_total')];
    const rise = Object.fromEntries(Object.keys(later).map((k) => [k, later[k] - earlier[k]]).filter(([, n]) => n > 0));
    const atSocket = Object.keys(gone).reduce((n, k) => n + gone[k] - lost[k], 0);
    const counted = Object.values(rise).reduce((n, v) => n + v, 0) + atSocket;
    console.log(`dropped: ${JSON.stringify(rise)}, at the socket: ${atSocket}`);
    for (const reason of ['garbage', 'stun', 'dtls', 'unknown_address']) assert.ok(rise[reason] > 1000, `${reason}: ${rise[reason]}`);
    assert.ok(counted > sent * 0.8, `${counted} of ${sent} counted`); // what bears a real user name goes to the ICE agent
    const events = await by(server.admin, 'incamera_sfu_events_total', 'what');
    assert.equal(events.engine_panic, 0);
    await meeting();
  });

  test('messages that are none are answered with a code and end only their own socket', async () => {
    const earlier = await drops();
    const deep = `{"id":1,"setHand":${'{"a":'.repeat(5000)}1${'}'.repeat(5001)}`;
    const cases = {
      'no JSON': ['{{{', 'bad_message', 4400], 'an unknown verb': ['{"id":1,"grantAll":{}}', 'bad_message', 4400],
      'no body': ['{"id":1}', 'bad_message', 4400], 'two bodies': ['{"id":1,"ping":{},"leave":{}}', 'bad_message', 4400],
      'a repeated field': ['{"id":1,"id":2,"ping":{}}', 'bad_message', 4400], 'an unknown field': ['{"id":1,"ping":{"x":1}}', 'bad_message', 4400],
      'a list': ['[]', 'bad_message', 4400], 'nothing': ['', 'bad_message', 4400], 'a deep nest': [deep, 'bad_message', 4400],
      'text after the object': ['{"id":1,"ping":{}} {}', 'bad_message', 4400], 'a negative id': ['{"id":-1,"ping":{}}', 'bad_message', 4400],
      'a long one': [`{"id":1,"sendChat":{"text":"${'x'.repeat(80_000)}"}}`, 'too_large', 4413],
      'a megabyte of SDP': [`{"id":1,"join":{"offer":"${'a=x\\r\\n'.repeat(150_000)}"}}`, 'too_large', 4413],
      'no common version': ['{"id":1,"hello":{"protocolMin":90,"protocolMax":99}}', 'protocol_unsupported', 4406],
    };
    for (const [what, [text, code, closed]] of Object.entries(cases)) {
      const s = await rawSocket(server.url);
      s.text(text);
      assert.equal(await s.error(), code, what);
      assert.equal(await s.closed, closed, what);
    }
    const frames = {
      'a binary frame': frame(opcode.binary, Buffer.from('{}')), 'invalid UTF-8': frame(opcode.text, Buffer.from([0xff, 0xfe, 0xc0])),
      'an unmasked frame': frame(opcode.text, Buffer.from('{}'), { mask: false }), 'a reserved bit': frame(opcode.text, Buffer.from('{}'), { rsv: 4 }),
      'an unknown opcode': frame(11, Buffer.from('x')), 'a long ping': frame(opcode.ping, Buffer.alloc(500)), 'noise': randomBytes(4000),
    };
    for (const [what, bytes] of Object.entries(frames)) {
      const s = await rawSocket(server.url);
      s.write(bytes);
      const code = await Promise.race([s.closed, new Promise((r) => setTimeout(r, 8000, 'open'))]);
      assert.ok([1002, 1003, 1006, 1007, 4400, 4408].includes(code), `${what}: ${code}`);
      s.destroy();
    }
    const later = await drops();
    for (const [reason, least] of [['bad_message', 11], ['too_large', 2], ['protocol', 1]]) {
      assert.ok(later[reason] - earlier[reason] >= least, `${reason}: ${earlier[reason]} → ${later[reason]}`);
    }
    await meeting();
  });

  test('what is said at the wrong time is told so, and the socket goes on', async () => {
    const s = await rawSocket(server.url);
    for (const body of [{ ping: {} }, { join: { token: 'x' } }, { setMedia: { kind: 'SOURCE_KIND_MIC', on: true } }]) {
      assert.equal((await s.ask(body)).error.code, 'wrong_state');
    }
    const welcome = await s.hello();
    assert.ok(welcome.nonce);
    for (const body of [{ setWishes: {} }, { endMeeting: {} }, { moveOffer: { placement: '9', offer: 'v=0' } }, { hello: { protocolMin: 1, protocolMax: 1 } }]) {
      assert.equal((await s.ask(body)).error.code, 'wrong_state', JSON.stringify(body));
    }
    assert.ok((await s.ask({ ping: {} })).pong);
    s.destroy();
  });

  test('whoever talks too fast is told, then ended', async () => {
    const s = await greeted();
    for (let i = 0; i < 600; i++) s.text(`{"id":${100 + i},"ping":{}}`);
    assert.equal(await s.error(), 'rate_limited');
    assert.equal(await s.closed, 4429);
  });

  test('tokens that are used, changed, old, foreign or of the wrong process admit nobody', async () => {
    const key = clientKey();
    const token = await tokenFor(key);
    const program = await greeted('');
    assert.equal((await joinWith(program, key, token)).error?.code, 'unauthorized', 'people enter by the page');
    program.destroy();
    const first = await greeted();
    const { joined } = await joinWith(first, key, token);
    assert.ok(joined?.participant, 'a good token admits once');
    secrets.add(joined.ticket);
    const replay = await greeted();
    assert.equal((await joinWith(replay, key, token)).error?.code, 'token_used');
    assert.equal((await joinWith(replay, key, token)).error?.code, 'token_used');
    await first.ask({ leave: {} });

    const enroll = (id, role, dir, data) => run(binary, ['admin', 'node', 'enroll', '--id', id, '--role', role, '--out', dir], {
      env: { PATH: process.env.PATH, INCAMERA_DATA_DIR: data },
    });
    await enroll('local-signaling', 'signaling', path(elsewhere, 'theirs'), path(elsewhere, 'data'));
    await enroll('node-x', 'node', path(elsewhere, 'node'), server.dir);
    const own = path(server.dir, 'identity', 'signaling');
    const good = claimsOf(await tokenFor(key));
    const now = Math.floor(Date.now() / 1000);
    const fresh = (more = {}) => ({ ...good, jti: randomBytes(12).toString('hex'), ...more });
    const [head, body, signature] = (await tokenFor(key)).split('.');
    const grown = Buffer.from(JSON.stringify({ ...good, role: 'host', moderate: true })).toString('base64url');
    const none = Buffer.from('{"alg":"none","typ":"incamera-room+jwt"}').toString('base64url');
    const cases = {
      'of another authority': [await signAs(path(elsewhere, 'theirs'), fresh()), 'token_invalid'],
      'of a media node': [await signAs(path(elsewhere, 'node'), fresh()), 'token_invalid'],
      'expired': [await signAs(own, fresh({ iat: now - 120, exp: now - 60 })), 'token_expired'],
      'not yet': [await signAs(own, fresh({ iat: now + 600, exp: now + 660 })), 'token_invalid'],
      'too long a life': [await signAs(own, fresh({ exp: now + 86_400 })), 'token_invalid'],
      'of another deployment': [await signAs(own, fresh({ aud: 'https://other.example' })), 'token_invalid'],
      'of another type': [await signAs(own, fresh(), 'incamera-ticket+jwt'), 'token_invalid'],
      'with more rights': [`${head}.${grown}.${signature}`, 'token_invalid'],
      'with another signature': [`${head}.${body}.${randomBytes(64).toString('base64url')}`, 'token_invalid'],
      'unsigned': [`${none}.${body}.`, 'token_invalid'],
      'no token at all': ['x', 'token_invalid'],
    };
    for (const [what, [jws, code]] of Object.entries(cases)) {
      const s = await greeted();
      assert.equal((await joinWith(s, key, jws)).error?.code, code, what);
      s.destroy();
    }
    const control = await greeted();
    const minted = await signAs(own, fresh({ iat: now, exp: now + 50 }));
    assert.ok((await joinWith(control, key, minted)).joined, 'the same claims, rightly signed, are good: the cases above fail for their own reason');
    await control.ask({ leave: {} });
  });

  test('proofs by another key, over another nonce or used twice are refused; five refusals end the socket', async () => {
    const key = clientKey();
    const token = await tokenFor(key);
    const s = await greeted();
    const attempts = [
      clientKey().prove(token, s.welcome), key.prove(token, { ...s.welcome, nonce: randomBytes(16).toString('base64url') }),
      key.prove(token, { ...s.welcome, audience: 'https://other.example' }), key.prove(`${token}x`, s.welcome), 'garbage',
    ];
    for (const proof of attempts) assert.equal((await s.ask({ join: { token, proof, offer } })).error?.code, 'proof_invalid');
    assert.equal(await s.closed, 4401);
  });

  test('offers that are no offer are refused in words', async () => {
    const key = clientKey();
    const cases = { 'v=0\r\n': 'bad_offer', [randomBytes(3000).toString('base64')]: 'bad_offer', [offer.replaceAll('a=fingerprint', 'a=x')]: 'bad_offer', [`v=0\r\na=${'x'.repeat(70_000)}`]: 'too_large' };
    for (const [sdp, code] of Object.entries(cases)) {
      const s = await greeted();
      assert.equal((await joinWith(s, key, await tokenFor(key), sdp)).error?.code, code, `${sdp.slice(0, 30)}…`);
      s.destroy();
    }
  });

  test('garbage cookies sign nobody in and break nothing', async () => {
    for (const value of ['x', '%00%ff', 'a'.repeat(3000), '"; DROP TABLE logins; --', '=;=;=']) {
      const name = cookie.split('=')[0];
      const r = await fetch(`${server.url}/api/v1/me`, { headers: { cookie: `${name}=${encodeURIComponent(value)}; ${name}=${value.replace(/[^ -~]/g, '')}; ${'y'.repeat(200)}` } });
      assert.equal(r.status, 401, value.slice(0, 20));
      assert.equal((await r.json()).error.code, 'unauthenticated');
    }
    const huge = await fetch(`${server.url}/api/v1/me`, { headers: { cookie: 'x='.padEnd(40_000, 'z') } }).then((r) => r.status, () => 'closed');
    assert.ok(huge === 431 || huge === 'closed', `${huge}`);
    const s = await rawSocket(server.url, { headers: { cookie: `${cookie.split('=')[0]}=garbage` } });
    assert.ok(await s.hello());
    s.destroy();
  });

  test('200 silent sockets are sent away, and people still come in', async () => {
    const earlier = await drops();
    const silent = await Promise.all(Array.from({ length: 200 }, () => rawSocket(server.url)));
    await sun.goto(`${server.url}/r/${room}`);
    await join(sun);
    await seesOthers(sun, 2);
    await sun.click('dock-leave');
    const codes = await Promise.all(silent.map((s) => s.closed));
    assert.deepEqual([...new Set(codes)], [4408]);
    assert.ok((await drops()).hello_timeout - earlier.hello_timeout >= 200);
  });

  test('afterwards: the same process, no more memory, the same meeting', async () => {
    await meeting();
    assert.equal(server.process.ended, undefined, 'the process lives');
    assert.equal(server.process.child.pid, pid);
    const now = await resident();
    console.log(`resident: ${memory.toFixed(0)} MiB before, ${now.toFixed(0)} MiB after`);
    assert.ok(now - memory < 64, `resident memory grew from ${memory.toFixed(0)} to ${now.toFixed(0)} MiB`);
    for (const p of [lin, zhao]) {
      const { offers, pcs } = await p.facts();
      assert.equal(pcs, 1, 'one transport all the time');
      assert.ok(offers <= 2, `${offers} offers`);
      assert.equal(await p.evaluate(() => globalThis.__observer.socketsOpened()), 1, 'one socket all the time');
    }
    assert.ok((await series(server.admin, 'incamera_signaling_joined')).size > 0);
  });

  test('nothing secret was written down, even at level debug', async () => {
    const { output } = server.process;
    assert.match(output, /level=DEBUG/);
    assert.ok(secrets.size > 30, `${secrets.size} secrets known`);
    const setup = output.split(server.setupToken).length - 1;
    assert.equal(setup, 1, 'the setup link is printed once');
    const printed = output.replace(server.setupToken, '');
    assert.deepEqual(secrets.in(printed), []);
    assert.deepEqual(secrets.in(await (await fetch(`${server.admin}/metrics`)).text()), []);
  });
});

// The meeting under test: the server, an API client that gives tokens, one browser on each line, and cheap senders.
import { spawn } from 'node:child_process';
import { X509Certificate, createHash, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary, place, serve } from '../../../web/e2e/lib/server.mjs';
import { chromiumArgs } from '../../../web/e2e/lib/browsers.mjs';
import { serverAddress } from './net.mjs';
import { speech } from './speech.mjs';

const { chromium } = createRequire(new URL('../../../web/package.json', import.meta.url))('playwright-core');
const host = 'meet.nettest';
const origin = 'https://page.nettest'; // a page of another origin, which the browser is handed without any network
const senderBinary = new URL('../../../build/nettest/sender', import.meta.url).pathname;
/** The smallest picture of which Chromium makes three layers; cheap enough for a browser without a GPU. */
const picture = { width: 960, height: 540, frameRate: 15 };
const probe = new URL('./probe.mjs', import.meta.url);

export class Lab {
  #net; #server; #client; #browsers = {}; #ca; #flags; #dir;

  constructor(net) { this.#net = net; }

  get url() { return `https://${host}`; }
  get net() { return this.#net; }

  async start() {
    const home = await place();
    this.#dir = await mkdtemp(join(tmpdir(), 'lab-'));
    this.#server = await serve({
      INCAMERA_HTTP_LISTEN: '0.0.0.0:443', INCAMERA_MEDIA_ADVERTISE: serverAddress, INCAMERA_MEDIA_SHARDS: '1',
    }, { at: home, url: this.url, args: ['--tls', '--host', host] });
    this.#ca = join(home.dir, 'tls', 'ca.crt');
    const leaf = new X509Certificate(await readFile(join(home.dir, 'tls', 'leaf.crt')));
    const pin = createHash('sha256').update(leaf.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
    const wav = join(this.#dir, 'speech.wav');
    await writeFile(wav, speech());
    this.#flags = [
      ...chromiumArgs.filter((a) => !a.startsWith('--use-fake-device')),
      '--use-fake-device-for-media-stream=fps=15', `--use-file-for-fake-audio-capture=${wav}`,
      `--host-resolver-rules=MAP ${host} ${serverAddress}`, `--ignore-certificate-errors-spki-list=${pin}`,
      '--disable-features=LocalNetworkAccessChecks', '--mute-audio',
    ];
    this.#client = await this.#register(home.dir);
  }

  async stop() {
    for (const b of Object.values(this.#browsers)) await b.close().catch(() => {});
    await this.#server?.stop();
  }

  /** What the server says when it is asked at the end. */
  get output() { return this.#server?.process.output ?? ''; }

  async newRoom() {
    const made = await this.#post('rooms', { title: 'Nettest' });
    if (made.status !== 201) throw new Error(`no room: ${made.status} ${made.body}`);
    return JSON.parse(made.body).id;
  }

  async token(room, jkt, id) {
    const answer = await this.#post(`rooms/${room}/tokens`, {
      user: { id, name: id }, role: 'participant', jkt, amr: ['mfa'], auth_time: Math.floor(Date.now() / 1000) - 60,
    });
    if (answer.status >= 300) throw new Error(`no token: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body).token;
  }

  /** A person at a page in the browser behind a line, socket open and offer made, before the click. */
  async person(who, room, { mic = true, camera = false } = {}) {
    const browser = (this.#browsers[who] ??= await this.#launch(who));
    const context = await browser.newContext({ viewport: { width: 800, height: 500 }, ignoreHTTPSErrors: false });
    const page = await context.newPage();
    const text = [];
    page.on('console', (m) => text.push(m.text()));
    page.on('pageerror', (e) => text.push(String(e)));
    await page.route(`${origin}/**`, async (route) => {
      const script = route.request().url().endsWith('.mjs');
      await route.fulfill(script ? { contentType: 'text/javascript', body: await readFile(probe, 'utf8') }
        : { contentType: 'text/html', body: '<!doctype html><title>nettest</title><div id="stage"></div><script type="module" src="probe.mjs"></script>' });
    });
    await page.goto(`${origin}/`);
    await page.waitForFunction(() => globalThis.nettest);
    const id = `${who}-${randomUUID().slice(0, 8)}`;
    const jkt = await page.evaluate((o) => globalThis.nettest.ready(o), { url: this.url, room, publish: { mic, camera, screen: false } });
    const token = await this.token(room, jkt, id);
    const person = {
      page, text, call: (name, arg) => page.evaluate(([n, a]) => globalThis.nettest[n](a), [name, arg]),
      /** Joins with what this person sends, and watches everybody at the size of the tile. */
      join: (tile = null) => person.call('join', { token, mic, camera: camera && picture, tile }),
      close: () => context.close(),
    };
    return person;
  }

  /** People that send without a browser, on the sender's line. */
  async crowd(room, people, { kbit = '150,500,2500', spread = 0 } = {}) {
    const [program, args] = this.#net.inside('sender', senderBinary, [
      '-url', `https://${host}`, '-address', serverAddress, '-ca', this.#ca, '-people', String(people), '-kbit', kbit, '-spread', String(spread),
    ]);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (d) => { said += d; });
    const exited = once(child, 'exit');
    const participants = [];
    const layers = [];
    await new Promise((done, fail) => {
      exited.then(() => fail(new Error(`the senders ended: ${said}`)));
      createInterface({ input: child.stdout }).on('line', async (line) => {
        const m = JSON.parse(line);
        try {
          if (m.jkt) child.stdin.write(`${JSON.stringify({ person: m.person, token: await this.token(room, m.jkt, `sender-${m.person}`) })}\n`);
        } catch (e) { fail(e); }
        if (m.layers) layers.push([Date.now(), m.person, m.layers]);
        if (m.participant) {
          participants[m.person] = m.participant;
          if (participants.filter(Boolean).length === people) done();
        }
      });
    });
    return { participants, layers, stop: async () => { child.stdin.end(); await exited; } };
  }

  /** Every counter of the server, by name and labels. */
  async counters() {
    const text = await (await fetch(`${this.#server.admin}/metrics`)).text();
    return new Map(text.split('\n').flatMap((line) => {
      const m = line.match(/^(incamera_\w+(?:\{.*\})?) (\S+)$/);
      return m && !m[1].includes('_bucket') ? [[m[1], Number(m[2])]] : [];
    }));
  }

  async #launch(who) {
    const wrapper = join(this.#dir, `chromium-${who}`);
    const [program, args] = this.#net.inside(who, '/usr/bin/chromium', []);
    await writeFile(wrapper, `#!/bin/sh\nexec ${[program, ...args].join(' ')} "$@" 2>/dev/null\n`);
    await chmod(wrapper, 0o755);
    return chromium.launch({ executablePath: wrapper, headless: true, args: this.#flags });
  }

  async #register(dir) {
    const keyFile = join(dir, 'nettest.pem');
    const id = execFileSync(binary, ['admin', 'client', 'add', '--name', 'nettest', '--new-key', keyFile, '--origin', origin], {
      env: { PATH: process.env.PATH, INCAMERA_DATA_DIR: dir, INCAMERA_HTTP_PUBLIC_URL: this.url },
    }).toString().trim();
    return { id, key: createPrivateKey(await readFile(keyFile)) };
  }

  /** One request as the API client, from the server's own side of the lines. */
  async #post(path, body) {
    const encode = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
    const at = Math.floor(Date.now() / 1000);
    const { id, key } = this.#client;
    const signed = `${encode({ alg: 'EdDSA', typ: 'JWT' })}.${encode({ iss: id, sub: id, aud: this.url, jti: randomUUID(), iat: at, exp: at + 30 })}`;
    const assertion = `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
    const ca = await readFile(this.#ca);
    return new Promise((done, fail) => {
      const r = request({
        host: serverAddress, servername: host, ca, method: 'POST', path: `/api/v1/client/${path}`, agent: false,
        headers: { host, authorization: `Bearer ${assertion}`, 'content-type': 'application/json' },
      }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (d) => { text += d; }).on('end', () => done({ status: answer.statusCode, body: text }));
      });
      r.on('error', fail);
      r.end(JSON.stringify(body));
    });
  }
}

// Starts the real binary on free ports with a data directory of its own, and stops it by its PID.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

export const binary = new URL('../../../build/incamera', import.meta.url).pathname;

/** A TCP port that was free a moment ago. */
export async function freePort() {
  for (;;) {
    const s = createServer().listen(lowPort(), '127.0.0.1');
    try {
      await once(s, 'listening');
      return s.address().port;
    } catch { /* taken: try another */ } finally {
      if (s.listening) await new Promise((closed) => { s.close(closed); });
    }
  }
}

/** A port that the system does not give to outgoing connections, one of which may take it meanwhile. */
function lowPort() {
  return 12000 + Math.floor(Math.random() * 20000);
}

/** The first of `count` UDP ports in a row that were free a moment ago. */
export async function freeUDP(count = 2) {
  for (;;) {
    const base = lowPort();
    const socks = [];
    try {
      for (let i = 0; i < count; i++) {
        const s = createSocket('udp4');
        socks.push(s);
        await new Promise((ok, no) => { s.once('error', no); s.bind(base + i, '0.0.0.0', ok); });
      }
      return base;
    } catch { /* taken: try another */ } finally {
      for (const s of socks) s.close();
    }
  }
}

/**
 * One process of the deployment.
 * @param {string[]} args subcommand and flags
 * @param {Record<string,string>} env INCAMERA_… overrides
 * @param {{prefix?: string[]}} options prefix: a command that runs it, such as in another network namespace
 */
export class Process {
  constructor(args, env, { prefix = [] } = {}) {
    this.output = '';
    const [command, ...rest] = [...prefix, binary, ...args];
    this.child = spawn(command, rest, { env: { PATH: process.env.PATH, HOME: '/tmp', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.waiters = [];
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        this.output += text;
        this.waiters = this.waiters.filter((w) => !w());
      });
    }
    this.exited = once(this.child, 'exit').then(([code, signal]) => {
      this.ended = { code, signal };
      this.waiters = this.waiters.filter((w) => !w());
      return this.ended;
    });
  }

  /** Waits until the output matches. */
  says(pattern, ms = 20_000) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${pattern} within ${ms} ms in:\n${this.output}`)), ms);
      const look = () => {
        const m = this.output.match(pattern);
        if (m) { clearTimeout(timer); resolve(m); return true; }
        if (this.ended) { clearTimeout(timer); reject(new Error(`ended (${JSON.stringify(this.ended)}) before ${pattern}:\n${this.output}`)); return true; }
        return false;
      };
      if (!look()) this.waiters.push(look);
    });
  }

  async stop(signal = 'SIGTERM') {
    if (!this.ended) {
      this.child.kill(signal);
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
      await this.exited;
      clearTimeout(timer);
    }
    return this.ended;
  }
}

/** A data directory and free ports: where a deployment lives, through restarts too. */
export async function place() {
  return {
    dir: await mkdtemp(join(tmpdir(), 'incamera-e2e-')), http: await freePort(), admin: await freePort(), udp: await freeUDP(2),
  };
}

/** `incamera serve` in a place of its own, or `at` one that the caller removes; `again`: its accounts are made. */
export async function serve(extra = {}, { at, again = false, args = [], url, prefix } = {}) {
  const here = at ?? await place();
  const reached = url ?? `http://localhost:${here.http}`;
  const p = new Process(['serve', ...args], {
    INCAMERA_DATA_DIR: here.dir,
    INCAMERA_HTTP_LISTEN: `127.0.0.1:${here.http}`,
    ...(url === undefined ? { INCAMERA_HTTP_PUBLIC_URL: reached } : {}),
    INCAMERA_ADMIN_LISTEN: `127.0.0.1:${here.admin}`,
    INCAMERA_MEDIA_LISTEN: `0.0.0.0:${here.udp}`,
    ...extra,
  }, { prefix });
  const [, token] = await p.says(again ? /is ready: / : /\/setup#([A-Za-z0-9_-]+)/);
  return {
    process: p, url: reached, dir: here.dir, udp: here.udp, admin: `http://127.0.0.1:${here.admin}`, env: extra,
    setupToken: token,
    async stop() {
      const ended = await p.stop();
      if (!at) await rm(here.dir, { recursive: true, force: true });
      return ended;
    },
  };
}

// The image from scratch: built by scripts/image, started as it is with buildah, as the user it names.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { freePort, freeUDP } from './lib/server.mjs';

if (!existsSync('/usr/bin/buildah')) throw new Error('buildah is missing: run scripts/setup test');
const run = promisify(execFile);
const house = new URL('../../', import.meta.url).pathname;

/** Process ids whose ancestor is `root`. */
async function descendants(root) {
  const parents = new Map();
  for (const pid of (await readdir('/proc')).filter((n) => /^\d+$/.test(n))) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (text) parents.set(Number(pid), Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const under = (pid) => parents.has(pid) && (parents.get(pid) === root || under(parents.get(pid)));
  return [...parents.keys()].filter(under);
}

describe('the image', { timeout: 240_000 }, () => {
  let dir, config, container, child, exited, admin, url, pid;
  let output = '';
  const buildah = async (...args) => {
    const { stdout } = await run('buildah', ['--root', join(dir, 'store/root'), '--runroot', join(dir, 'store/run'), '--storage-driver', 'vfs', ...args],
      { env: { ...process.env, TMPDIR: join(dir) } });
    return stdout.trim();
  };
  /** Waits until `f` gives something. */
  const until = async (f, what) => {
    for (const end = Date.now() + 30_000; ;) {
      const value = await Promise.resolve().then(f).catch(() => null);
      if (value) return value;
      if (child.exitCode !== null) throw new Error(`the container ended before ${what}:\n${output}`);
      if (Date.now() > end) throw new Error(`no ${what} in 30 s:\n${output}`);
      await new Promise((r) => setTimeout(r, 100));
    }
  };

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'incamera-image-'));
    await run(join(house, 'scripts/image'), ['incamera:e2e'], { env: { ...process.env, STORAGE: join(dir, 'store') } });
  });
  after(async () => {
    if (pid && child?.exitCode === null) { try { process.kill(pid, 'SIGKILL'); } catch { /* gone */ } }
    await exited;
    if (container) await buildah('rm', container);
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  test('names a user without rights, and what to start', async () => {
    config = JSON.parse(await buildah('inspect', '--type', 'image', 'localhost/incamera:e2e')).OCIv1.config;
    assert.equal(config.User, '65532:65532');
    assert.deepEqual([config.Entrypoint, config.Cmd], [['/incamera'], ['serve']]);
    assert.ok(config.Env.includes('INCAMERA_DATA_DIR=/data'), `${config.Env}`);
    assert.ok('/data' in config.Volumes);
  });

  test('holds the binary and an empty data directory, and nothing else', async () => {
    container = await buildah('from', '--pull-never', 'localhost/incamera:e2e');
    const root = await buildah('mount', container);
    assert.deepEqual((await readdir(root, { recursive: true })).sort(), ['data', 'incamera']);
    const [data, binary] = [await stat(join(root, 'data')), await stat(join(root, 'incamera'))];
    assert.deepEqual([data.uid, data.gid, data.mode & 0o777], [65532, 65532, 0o700]);
    assert.equal(binary.mode & 0o7777, 0o755);
    await buildah('umount', container);
  });

  test('starts and serves the page, and nothing in it is root', async () => {
    const [http, ops, udp] = [await freePort(), await freePort(), await freeUDP(2)];
    [url, admin] = [`http://localhost:${http}`, `http://127.0.0.1:${ops}`];
    const env = {
      INCAMERA_HTTP_LISTEN: `127.0.0.1:${http}`, INCAMERA_HTTP_PUBLIC_URL: url, INCAMERA_ADMIN_LISTEN: `127.0.0.1:${ops}`,
      INCAMERA_MEDIA_LISTEN: `0.0.0.0:${udp}`, INCAMERA_MEDIA_SHARDS: '1',
    };
    child = spawn('buildah', [
      '--root', join(dir, 'store/root'), '--runroot', join(dir, 'store/run'), '--storage-driver', 'vfs',
      'run', '--isolation', 'chroot', ...Object.entries(env).map(([k, v]) => `--env=${k}=${v}`), container, '--', ...config.Entrypoint, ...config.Cmd,
    ], { env: { ...process.env, TMPDIR: dir }, stdio: ['ignore', 'pipe', 'pipe'] });
    exited = once(child, 'exit');
    for (const s of [child.stdout, child.stderr]) s.setEncoding('utf8').on('data', (text) => { output += text; });

    pid = await until(async () => {
      for (const p of await descendants(child.pid)) {
        if ((await readFile(`/proc/${p}/cmdline`, 'utf8')) === '/incamera\0serve\0') return p;
      }
      return null;
    }, 'process');
    assert.equal((await until(async () => (await fetch(`${admin}/livez`)).text(), 'livez')).trim(), 'ok');
    const ready = await until(async () => { const r = await fetch(`${admin}/readyz`); return r.ok ? r : null; }, 'readyz');
    assert.equal(ready.status, 200);
    const page = await until(() => fetch(`${url}/`), 'page');
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<script[^>]+src="\/assets\//);
    await until(() => /\/setup#[A-Za-z0-9_-]+/.test(output), 'setup link');

    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    assert.match(status, /^Uid:\t65532\t65532\t65532\t65532$/m);
    assert.match(status, /^Gid:\t65532\t65532\t65532\t65532$/m);
    assert.match(status, /^CapEff:\t0+$/m);
    assert.equal(await stat(`/proc/${pid}/root/usr`).catch(() => null), null, 'it sees no system but its own files');
  });

  test('leaves in good order when it is told to', async () => {
    process.kill(pid, 'SIGTERM');
    const [code] = await exited;
    assert.equal(code, 0, output);
  });
});

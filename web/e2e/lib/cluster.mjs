// A deployment of several processes on a real redis-server: one signaling instance, three media nodes.
import { spawn, execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Process, binary, freePort, freeUDP } from './server.mjs';

const run = promisify(execFile);

async function redis(dir) {
  const port = await freePort();
  const password = randomBytes(16).toString('hex');
  const conf = join(dir, 'redis.conf');
  await writeFile(conf, `bind 127.0.0.1\nport ${port}\nrequirepass ${password}\nsave ""\nappendonly no\ndir ${dir}\n`, { mode: 0o600 });
  const child = spawn('redis-server', [conf], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  for (let i = 0; ; i++) {
    const s = connect(port, '127.0.0.1');
    const ok = await once(s, 'connect').then(() => true, () => false); // once rejects on error
    s.destroy();
    if (ok) break;
    if (i > 100) throw new Error('redis-server does not answer');
    await new Promise((r) => setTimeout(r, 50));
  }
  return { address: `127.0.0.1:${port}`, password, async stop() { child.kill('SIGTERM'); await exited; } };
}

/** Reads one gauge or counter from a process's metrics, summed over its labels. */
export async function metric(admin, name) {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const lines = text.split('\n').filter((l) => l.startsWith(name) && /^[{ ]/.test(l.slice(name.length)));
  if (lines.length === 0) throw new Error(`no ${name} in ${admin}/metrics`);
  return lines.reduce((n, l) => n + Number(l.slice(l.lastIndexOf(' ') + 1)), 0);
}

export async function cluster() {
  const dir = await mkdtemp(join(tmpdir(), 'incamera-cluster-'));
  const store = await redis(dir);
  const passwordFile = join(dir, 'redis.password');
  await writeFile(passwordFile, `${store.password}\n`, { mode: 0o600 });
  const common = {
    INCAMERA_NAME: 'e2e', INCAMERA_DATA_DIR: dir, INCAMERA_REDIS_MODE: 'single',
    INCAMERA_REDIS_ADDRESSES: store.address, INCAMERA_REDIS_PASSWORD_FILE: passwordFile,
  };
  const enroll = async (id, role) => {
    const out = join(dir, `identity-${id}`);
    await run(binary, ['admin', 'node', 'enroll', '--id', id, '--role', role, '--out', out], { env: { PATH: process.env.PATH, ...common } });
    return { INCAMERA_PROCESS_ID: id, INCAMERA_PROCESS_IDENTITY_DIR: out };
  };
  const node = async (id) => {
    const [admin, udp] = [await freePort(), await freeUDP(2)];
    const p = new Process(['node'], {
      ...common, ...(await enroll(id, 'node')), INCAMERA_ADMIN_LISTEN: `127.0.0.1:${admin}`,
      INCAMERA_MEDIA_LISTEN: `0.0.0.0:${udp}`, INCAMERA_MEDIA_SHARDS: '1',
    });
    await p.says(/media node ready/);
    return { id, process: p, admin: `http://127.0.0.1:${admin}` };
  };
  const nodes = [await node('node-a'), await node('node-b'), await node('node-c')];
  const [http, admin] = [await freePort(), await freePort()];
  const url = `http://localhost:${http}`;
  const signaling = new Process(['signaling'], {
    ...common, ...(await enroll('signaling-a', 'signaling')), INCAMERA_ADMIN_LISTEN: `127.0.0.1:${admin}`,
    INCAMERA_HTTP_LISTEN: `127.0.0.1:${http}`, INCAMERA_HTTP_PUBLIC_URL: url,
  });
  const [, setupToken] = await signaling.says(/\/setup#([A-Za-z0-9_-]+)/);
  return {
    url, setupToken, nodes, signaling, admin: `http://127.0.0.1:${admin}`,
    async stop() {
      await signaling.stop();
      await Promise.all(nodes.map((n) => n.process.stop()));
      await store.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

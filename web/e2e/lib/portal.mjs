// API clients and the example portal, as an organisation next door would run them.
import { spawn, execFile } from 'node:child_process';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { binary } from './server.mjs';

const run = promisify(execFile);
const program = new URL('../../examples/embed/portal.mjs', import.meta.url).pathname;

/** Registers an API client with its origins and makes a room of its own. */
export async function portalClient(server, name, origins) {
  const keyFile = join(server.dir, `${name}.pem`);
  const { stdout } = await run(binary, ['admin', 'client', 'add', '--name', name, '--new-key', keyFile, '--origin', origins.join(',')], {
    env: { PATH: process.env.PATH, INCAMERA_DATA_DIR: server.dir, INCAMERA_HTTP_PUBLIC_URL: server.url },
  });
  const id = stdout.trim();
  const key = createPrivateKey(await readFile(keyFile));
  const client = {
    id, keyFile,
    /** One request as this client. */
    async post(path, body) {
      const encode = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
      const now = Math.floor(Date.now() / 1000);
      const signed = `${encode({ alg: 'EdDSA', typ: 'JWT' })}.${encode({ iss: id, sub: id, aud: server.url, jti: randomUUID(), iat: now, exp: now + 30 })}`;
      const assertion = `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
      const r = await fetch(`${server.url}/api/v1/client/${path}`, {
        method: 'POST', headers: { authorization: `Bearer ${assertion}`, 'content-type': 'application/json' }, body: JSON.stringify(body),
      });
      return { status: r.status, body: await r.json() };
    },
  };
  const made = await client.post('rooms', { title: 'Case 4711' });
  if (made.status !== 201) throw new Error(`no room: ${JSON.stringify(made)}`);
  client.room = made.body.id;
  return client;
}

/** Runs the example portal of a client on a port, with one person signed in. */
export async function portal(server, client, port, user) {
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env.PATH, INCAMERA: server.url, ROOM: client.room, CLIENT: client.id, KEY: client.keyFile, PORT: String(port),
      USER_ID: user.id, USER_NAME: user.name,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited.then(() => { throw new Error('the portal ended'); })]);
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    /** What the portal's page does: a token for the key with this thumbprint. */
    async token(jkt) { return (await (await fetch(`${origin}/token?jkt=${jkt}`, { method: 'POST' })).json()).token; },
    async stop() { child.kill('SIGTERM'); await exited; },
  };
}

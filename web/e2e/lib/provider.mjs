// A real OpenID provider of another site (127.0.0.1 beside the page's localhost), and a deployment that sends people there.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, place, serve } from './server.mjs';

const repository = new URL('../../..', import.meta.url).pathname;

export async function serveWithProvider() {
  const dir = await mkdtemp(join(tmpdir(), 'incamera-provider-'));
  const at = await place();
  const listen = `127.0.0.1:${await freePort()}`;
  const url = `http://localhost:${at.http}`;
  const program = join(dir, 'testprovider');
  execFileSync('go', ['build', '-o', program, './scripts/testprovider'], { cwd: repository, stdio: 'inherit' });
  const provider = spawn(program, ['-listen', listen, '-app', url], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((ok, no) => { provider.stdout.once('data', ok); provider.once('exit', no); });
  await writeFile(join(dir, 'secret'), 'test secret\n');
  await writeFile(join(dir, 'incamera.yaml'), `
http: {public_url: "${url}"}
auth:
  oidc:
    - name: corp
      title: Court account
      title_zh: 法院统一账号
      issuer: http://${listen}
      client_id: incamera
      client_secret_file: ${join(dir, 'secret')}
      create_accounts: true
      second_factor: {acr: [mfa], amr: [otp]}
      ask_acr: [mfa]
    - name: ministry
      title: Ministry of Justice
      title_zh: 司法部
      issuer: http://127.0.0.1:1
      client_id: incamera
`);
  const server = await serve({}, { at, url, args: ['--config', join(dir, 'incamera.yaml')] });
  return {
    ...server, provider: `http://${listen}`,
    async stop() {
      await server.stop();
      provider.kill('SIGTERM');
      await rm(dir, { recursive: true, force: true });
      await rm(at.dir, { recursive: true, force: true });
    },
  };
}

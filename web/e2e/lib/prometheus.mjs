// A real Prometheus that scrapes the processes under test.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { freePort } from './server.mjs';

if (!existsSync('/usr/bin/prometheus')) throw new Error('prometheus is missing: run scripts/setup test');

/**
 * @param {string[]} targets base URLs of admin listeners
 * @param {{ rules?: string[] }} options files with rules
 */
export async function prometheus(targets, { rules = [] } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'incamera-prom-'));
  const port = await freePort();
  const hosts = targets.map((t) => new URL(t).host);
  await writeFile(join(dir, 'prometheus.yml'), JSON.stringify({
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: rules,
    scrape_configs: [{ job_name: 'incamera', static_configs: [{ targets: hosts }] }],
  }));
  const child = spawn('/usr/bin/prometheus', [
    `--config.file=${join(dir, 'prometheus.yml')}`, `--storage.tsdb.path=${join(dir, 'data')}`, `--web.listen-address=127.0.0.1:${port}`,
  ], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const get = async (path) => {
    const r = await fetch(url + path);
    const body = await r.json();
    if (body.status !== 'success') throw new Error(`${path}: ${body.error}`);
    return body.data;
  };
  for (let i = 0; ; i++) {
    try {
      const up = await get('/api/v1/query?query=' + encodeURIComponent('sum(up{job="incamera"})'));
      if (Number(up.result[0]?.value[1]) === hosts.length) break;
    } catch { /* not listening yet */ }
    if (i > 150) throw new Error('prometheus does not scrape');
    await new Promise((r) => setTimeout(r, 200));
  }
  return {
    query: (expr) => get('/api/v1/query?query=' + encodeURIComponent(expr)).then((d) => d.result),
    /** Every rule with its state, as Prometheus holds it. */
    rules: () => get('/api/v1/rules').then((d) => d.groups.flatMap((g) => g.rules)),
    names: () => get('/api/v1/label/__name__/values'),
    async stop() { child.kill('SIGTERM'); await exited; await rm(dir, { recursive: true, force: true }); },
  };
}

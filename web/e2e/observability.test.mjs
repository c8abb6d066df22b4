// What operators see: a real Prometheus scrapes a real meeting, and every expression of the dashboard and of the rules
// answers with data.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { binary, serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { invite, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';
import { prometheus } from './lib/prometheus.mjs';

const run = promisify(execFile);
const configs = new URL('../../configs/', import.meta.url).pathname;
const dashboard = JSON.parse(await readFile(`${configs}grafana/incamera.json`, 'utf8'));
const panels = dashboard.panels.filter((p) => p.type !== 'row');

/** An expression as Grafana would send it with all variables at "All". */
const filled = (expr) => expr.replaceAll('$__rate_interval', '10s').replaceAll(/\$(job|instance)\b/g, '.*');

/** Names of the product's and the runtime's metrics in an expression; recorded names, which hold colons, left out. */
const names = (expr) => [...expr.matchAll(/[a-zA-Z_:][\w:]*/g)].map(([n]) => n)
  .filter((n) => /^(incamera|process|go)_/.test(n) && !n.includes(':')).map((n) => n.replace(/_(bucket|count|sum)$/, ''));

const numbers = (result) => result.map((r) => Number(r.value[1]));

describe('the dashboard as it is written', () => {
  test('each panel has a title, a unit, a sentence about a bad value, and expressions', () => {
    const units = ['short', 'ops', 'pps', 'bps', 'reqps', 's', 'bytes', 'percentunit'];
    for (const p of panels) {
      assert.ok(p.title && p.description?.endsWith('.'), `${p.title}: ${p.description}`);
      assert.ok(units.includes(p.fieldConfig.defaults.unit), `${p.title}: unit ${p.fieldConfig.defaults.unit}`);
      assert.ok(p.targets.length > 0 && p.targets.every((t) => t.expr.includes('job=~"$job", instance=~"$instance"')), `${p.title}: the variables select`);
    }
    assert.equal(new Set(panels.map((p) => p.title)).size, panels.length, 'titles are unique');
    assert.ok(dashboard.schemaVersion >= 39 && dashboard.templating.list.some((v) => v.type === 'datasource'));
  });
});

describe('a meeting seen by Prometheus', { timeout: 240_000 }, () => {
  let server, chromium, lin, zhao, prom;
  const ids = new Set();
  const metrics = async () => (await fetch(`${server.admin}/metrics`)).text();
  const series = async () => new Set((await metrics()).split('\n').filter((l) => l && !l.startsWith('#')).map((l) => l.slice(0, l.lastIndexOf(' '))));

  /** Waits until the expression answers with something that `good` likes. */
  async function answers(expr, what, good = (r) => r.length > 0) {
    let last;
    for (const end = Date.now() + 20_000; Date.now() < end; ) {
      last = await prom.query(expr);
      if (good(last)) return last;
      await new Promise((r) => setTimeout(r, 250));
    }
    throw new Error(`${what}: ${expr} answers ${JSON.stringify(last)}`);
  }

  /** What was dropped, for a message that explains itself. */
  const dropped = async () => (await metrics()).split('\n').filter((l) => /^incamera_sfu_(socket_)?drop.* [1-9]/.test(l)).join(' ');

  /** A sign-in with password and recovery code, without a page. */
  async function signInAgain({ login, password, recovery }) {
    const post = (path, body, cookie = '') => fetch(server.url + path, {
      method: 'POST', headers: { 'Content-Type': 'application/json', Cookie: cookie }, body: JSON.stringify(body),
    });
    const pending = await post('/api/v1/sign-in', { login, password });
    assert.equal(pending.status, 200, await pending.clone().text());
    const cookie = pending.headers.getSetCookie()[0].split(';')[0];
    ids.add(cookie.split('=')[1]);
    const signedIn = await post('/api/v1/second-factor', { code: recovery[0] }, cookie);
    assert.equal(signedIn.status, 200, await signedIn.clone().text());
  }

  /** Zhao goes to a new room of his own; remembers the ids that must never be seen in a label. */
  async function elsewhere() {
    await zhao.click('dock-leave');
    await zhao.goto(server.url);
    ids.add((await startMeeting(zhao, server)).split('/').pop());
    await join(zhao);
    ids.add(await zhao.evaluate(() => globalThis.__room.self.id));
    await answers('sum(incamera_sfu_rooms)', 'two rooms', (r) => numbers(r)[0] === 2);
    await answers('sum(incamera_signaling_joined)', 'two people', (r) => numbers(r)[0] === 2);
  }

  before(async () => {
    server = await serve();
    prom = await prometheus([server.admin], { rules: [`${configs}prometheus/rules.yml`] });
    chromium = await launchChromium();
    [lin, zhao] = [await chromium.person(), await chromium.person()];
    const account = await setUp(lin, server);
    await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
    const link = await startMeeting(lin, server);
    ids.add(link.split('/').pop());
    await join(lin);
    await zhao.goto(link);
    await join(zhao);
    await seesOthers(lin, 1);
    await seesOthers(zhao, 1);
    await zhao.click('dock-leave'); // somebody has left, so that departures are counted too
    await zhao.goto(link);
    await join(zhao);
    await seesOthers(zhao, 1);
    for (const p of [lin, zhao]) ids.add(await p.evaluate(() => globalThis.__room.self.id));
    await signInAgain(account);
    for (const name of ['Lin Yue', 'lin.yue', 'Zhao Heng', 'zhao.heng', server.setupToken]) ids.add(name);
  });
  after(async () => {
    await chromium?.close();
    await prom?.stop();
    await server?.stop();
  });

  test('the numbers are those of this meeting', async () => {
    const is = (expr, n) => answers(expr, expr, (r) => numbers(r)[0] === n);
    await is('sum(incamera_signaling_joined)', 2);
    await is('sum(incamera_sfu_participants)', 2);
    await is('sum(incamera_sfu_rooms)', 1);
    await is('max(incamera_registry_nodes{state="ready"})', 1);
    const more = (expr, n) => answers(expr, expr, (r) => numbers(r)[0] > n);
    await more('sum(rate(incamera_sfu_packets_total{direction="in"}[10s]))', 50);
    await more('sum(rate(incamera_sfu_packets_total{direction="out"}[10s]))', 50);
    await more('8 * sum(rate(incamera_sfu_rtp_bytes_total{direction="out"}[10s]))', 50_000);
    await more('sum(rate(incamera_sfu_shard_busy_seconds_total[10s]))', 0);
    await more('histogram_quantile(0.99, sum by (le) (rate(incamera_sfu_forward_latency_seconds_bucket[10s])))', 0);
    await more('sum(incamera_audit_entries_total{outcome="written"})', 2);
  });

  test('every expression of the dashboard answers with data', async () => {
    for (const p of panels) {
      for (const t of p.targets) {
        const expr = filled(t.expr);
        if (p.incamera?.emptyWhenHealthy) await prom.query(expr); // it must be good PromQL all the same
        else await answers(expr, p.title);
      }
    }
  });

  test('every rule answers with data, and no alert is raised', async () => {
    const rules = await prom.rules();
    assert.ok(rules.length > 20, `${rules.length} rules`);
    for (const r of rules) {
      if (r.type === 'recording') { await answers(r.name, r.name); continue; }
      const [, left] = r.query.match(/^(.*) [<>] [\d.]+$/s) ?? assert.fail(`${r.name}: ${r.query} compares nothing with a number`);
      await answers(left, r.name);
    }
    for (const r of await prom.rules()) {
      assert.equal(r.health, 'ok', `${r.name}: ${r.lastError}`);
      if (r.type === 'alerting') assert.equal(r.state, 'inactive', `${r.name} is ${r.state}: ${JSON.stringify(r.alerts)}; ${await dropped()}`);
    }
  });

  test('every metric that is named exists', async () => {
    const exist = new Set([...(await metrics()).matchAll(/^# HELP (\S+)/gm)].map(([, n]) => n));
    const used = [...panels.flatMap((p) => p.targets.map((t) => t.expr)), ...(await prom.rules()).map((r) => r.query)].flatMap(names);
    assert.ok(used.length > 50);
    assert.deepEqual([...new Set(used)].filter((n) => !exist.has(n)), []);
  });

  test('a second room adds no series', async () => {
    // What happens for the first time may add an outcome to a label; a label that names rooms adds a series each time.
    let added;
    for (let i = 0; i < 4 && added?.length !== 0; i++) {
      const earlier = await series();
      await elsewhere();
      added = [...await series()].filter((s) => !earlier.has(s));
    }
    assert.deepEqual(added, []);
  });

  test('the audit log of all this holds, and an entry that was kept and is not in it is noticed', async () => {
    const verify = (...args) => run(binary, ['admin', 'audit', 'verify', ...args], { env: { INCAMERA_DATA_DIR: server.dir } });
    const [, entries, last] = (await verify()).stdout.match(/^(\d+) entries hold; the last is\n(\d+:\S+)\n$/);
    assert.ok(Number(entries) > 5, `${entries} entries`);
    await verify('--kept', last);
    await assert.rejects(verify('--kept', last.replace(/:.*/, ':another')), /not the one kept earlier/);
    await assert.rejects(verify('--kept', last.replace(/^\d+/, '999999')), /ends before the entry kept earlier/);
  });

  test('labels name no person, room, address or secret', async () => {
    for (const line of await series()) {
      for (const [, label, value] of line.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
        assert.ok(![...ids].some((id) => value.includes(id)), `${label} of ${line}`);
        assert.doesNotMatch(value, /[\w-]{33,}|\b[ps]_[a-z0-9]{8}|\d+\.\d+\.\d+\.\d+|[0-9a-f]{8}-[0-9a-f]{4}-/, `${label} of ${line}`);
      }
    }
  });
});

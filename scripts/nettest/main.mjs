// Plays the scenarios and prints the table; scripts/nettest/run starts it in a namespace of its own.
import { readFile } from 'node:fs/promises';
import { Lab } from './lib/lab.mjs';
import { aim, percentile, rows, shown, table } from './lib/figures.mjs';
import { Network } from './lib/net.mjs';
import { pause, scenarios } from './lib/scenarios.mjs';

/** The longest any run may take; then it counts as a miss. */
const runLimitMs = 110_000;

function options(words) {
  const o = { only: [], runs: 10, seed: 1, json: false, list: false };
  for (let i = 0; i < words.length; i++) {
    const number = () => {
      const n = Number(words[++i]);
      if (!Number.isInteger(n) || n < 1) throw new Error(`${words[i - 1]} wants a number from 1`);
      return n;
    };
    switch (words[i]) {
      case '--only': o.only.push(...(words[++i] ?? '').split(',')); break;
      case '--runs': o.runs = number(); break;
      case '--seed': o.seed = number(); break;
      case '--json': o.json = true; break;
      case '--list': o.list = true; break;
      default: throw new Error(`unknown: ${words[i]}; scripts/nettest/run --help tells more`);
    }
  }
  return o;
}

function chosen(only) {
  if (only.length === 0) return scenarios;
  const fits = (name) => (word) => (word.endsWith('*') ? name.startsWith(word.slice(0, -1)) : name === word);
  const list = scenarios.filter((s) => only.some(fits(s.name)));
  if (list.length === 0) throw new Error(`no scenario is called ${only.join(', ')}; --list tells them`);
  return list;
}

/** Milliseconds for which something on this machine has waited for a CPU (pressure stall information); 0 where the kernel does not tell. */
async function waitedForCPU() {
  const text = await readFile('/proc/pressure/cpu', 'utf8').catch(() => '');
  return Number(text.match(/^some .*total=(\d+)/m)?.[1] ?? 0) / 1000;
}

/** What the server counted during a run, without what did not change. */
function counted(before, after) {
  return Object.fromEntries([...after].filter(([k, v]) => v !== (before.get(k) ?? 0)).map(([k, v]) => [k, Math.round((v - (before.get(k) ?? 0)) * 1000) / 1000]));
}

/** Notes once a second what the server estimates the paths to its receivers to carry, in kbit/s; the mean if there are several. */
function noteEstimates(lab) {
  const name = 'incamera_sfu_estimated_bandwidth_bits_per_second';
  const sum = (counters, end) => [...counters].filter(([k]) => k.startsWith(`${name}_${end}`)).reduce((n, [, v]) => n + v, 0);
  const list = [];
  let last = null;
  const timer = setInterval(async () => {
    const counters = await lab.counters().catch(() => null);
    if (!counters) return;
    const now = { bits: sum(counters, 'sum'), samples: sum(counters, 'count') };
    if (last && now.samples > last.samples) list.push(Math.round((now.bits - last.bits) / (now.samples - last.samples) / 1000));
    last = now;
  }, 1000);
  return { list, stop: () => clearInterval(timer) };
}

/** One run: always ends, always cleans up, never throws. */
async function play(scenario, lab) {
  const open = [];
  const notes = [];
  const run = { open: (thing) => { open.push(thing); return thing; }, note: (n) => notes.push(n) };
  const result = { scenario: scenario.name, figures: null };
  let timer;
  let estimates;
  const [began, waited] = [Date.now(), await waitedForCPU()];
  try {
    await lab.net.reset();
    const before = await lab.counters();
    estimates = noteEstimates(lab);
    const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error(`not done within ${runLimitMs} ms`)), runLimitMs); });
    const body = scenario.run(lab, run);
    body.catch(() => {}); // if it is late, its end is of no interest
    result.figures = await Promise.race([body, late]);
    result.server = counted(before, await lab.counters());
  } catch (e) {
    result.error = e.message.split('\n')[0];
    result.console = open.flatMap((p) => p.text ?? []).slice(-10);
  } finally {
    clearTimeout(timer);
    estimates?.stop();
    await lab.net.reset().catch(() => {});
    await Promise.race([Promise.all(open.reverse().map((p) => p.close().catch(() => {}))), pause(5000)]);
  }
  result.busy = Math.round((100 * ((await waitedForCPU()) - waited)) / (Date.now() - began));
  return { ...result, estimateKbit: estimates?.list ?? [], notes };
}

async function main() {
  const o = options(process.argv.slice(2));
  const list = chosen(o.only);
  if (o.list) {
    for (const s of list) for (const c of s.checks) console.log(`${s.name.padEnd(16)} ${c.what}: ${aim(c)}`);
    return 0;
  }
  if (!process.env.NETTEST_NAME) throw new Error('start it by scripts/nettest/run');
  const net = new Network(process.env.NETTEST_NAME);
  const lab = new Lab(net);
  const all = [];
  const busy = [];
  try {
    await net.start(o.seed);
    await lab.start();
    for (const scenario of list) {
      const runs = [];
      for (let i = 0; i < o.runs; i++) {
        const begun = Date.now();
        const r = await play(scenario, lab);
        runs.push(r);
        busy.push(r.busy);
        if (o.json) console.log(JSON.stringify({ run: i + 1, ...r }));
        const figures = r.figures ? scenario.checks.map((c) => `${c.figure} ${shown(r.figures[c.figure], c.unit)}`).join(', ') : r.error;
        console.error(`${scenario.name} ${i + 1}/${o.runs} (${((Date.now() - begun) / 1000).toFixed(0)} s, busy ${r.busy} %): ${figures}`);
      }
      all.push(...rows(scenario, runs));
    }
  } finally {
    await Promise.race([lab.stop(), pause(10_000)]);
    net.stop();
  }
  console.log(table(all));
  console.log(`for ${percentile(busy, 0.5)} % of the time something waited for a CPU; where that is much, figures tell of the machine, not of the meeting`);
  const missed = all.filter((r) => !r.met).length;
  console.log(missed === 0 ? 'every aim was met' : `${missed} of ${all.length} aims were missed`);
  return missed === 0 ? 0 : 1;
}

main().then((code) => process.exit(code), (e) => { console.error(`nettest: ${e.stack ?? e}`); process.exit(2); });

// The scenarios, their aims, and how each is played. A run gives figures by name; checks say which figure has which aim.
import { clean } from './net.mjs';
import { backAfter, concealed, framesPerSecond, freezes, frozen, longestGap, sending, sizedAfter, soundLost, stoodStill, summary, switches, undecoded } from './measure.mjs';

export const pause = (ms) => new Promise((r) => setTimeout(r, ms));
const large = { width: 1280, height: 720 };
const lowest = 180;
const highest = 720;

/** Waits until f is true. */
async function until(f, ms, what) {
  for (const end = Date.now() + ms; ;) {
    const value = await f();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(50);
  }
}

const sees = (viewer, frames = 10, ms = 15_000) => until(
  () => viewer.page.evaluate((n) => { const [id] = nettest.others(); return id && (nettest.shown(id)?.frames ?? 0) >= n; }, frames), ms, 'a picture',
);
const height = (viewer) => viewer.page.evaluate(() => nettest.shown(nettest.others()[0])?.size?.[2] ?? 0);

/** Two people in browsers; the first sends picture and sound. */
async function two(lab, run, options) {
  const room = await lab.newRoom();
  const publisher = run.open(await lab.person('sender', room, { camera: true }));
  await publisher.join();
  const viewer = run.open(await lab.person('viewer', room, options));
  return { room, publisher, viewer };
}

/** A browser that watches people who cost no CPU. */
async function audience(lab, run, people, { tile = large, ...crowd } = {}) {
  const room = await lab.newRoom();
  const senders = await lab.crowd(room, people, crowd);
  run.open({ close: () => senders.stop() });
  const viewer = run.open(await lab.person('viewer', room));
  return { viewer, senders, enter: () => viewer.join(tile) };
}

/** A window of `ms` in which things count. */
async function observe(viewer, ms) {
  await viewer.call('begin');
  await pause(ms);
  return viewer.call('end');
}

const noFreeze = { what: 'longest gap between pictures', figure: 'gap', unit: 'ms', max: 200 };
const frozenLittle = { what: 'time frozen', figure: 'frozen', unit: '%', max: 1 };

/** The same impairment on one line, both ways, with the other line clean. */
function impaired(name, line, checks, settings) {
  return {
    name, aim: `${line}'s line`, checks,
    async run(lab, run) {
      const { viewer, publisher } = await two(lab, run);
      await viewer.join(large);
      await sees(viewer);
      await pause(2000);
      const bad = { ...clean, ...settings };
      await lab.net.line(line, { up: bad, down: bad });
      await pause(3000);
      await publisher.call('begin');
      const seen = await observe(viewer, 20_000);
      run.note({ ...summary(seen), sent: sending(await publisher.call('end')) });
      return { gap: longestGap(seen), frozen: frozen(seen), concealed: concealed(seen), undecoded: undecoded(seen), fps: framesPerSecond(seen) };
    },
  };
}

const bothLines = (name, checks, settings) => [['up', 'sender'], ['down', 'viewer']].map(([way, line]) => impaired(`${name}-${way}`, line, checks, settings));

const step = {
  name: 'step', checks: [
    { what: 'low layer after the drop', figure: 'low', unit: 'ms', max: 1000 },
    { what: 'longest freeze', figure: 'gap', unit: 'ms', max: 1000 },
    { what: 'sound lost or too late', figure: 'lost', unit: '%', max: 1 },
    { what: 'sound made up while the queue drains', figure: 'concealed', unit: '%' },
    { what: 'queue from 2 s after the drop', figure: 'queue', unit: 'ms', max: 300 },
    { what: 'top layer back', figure: 'top', unit: 'ms', max: 8000 },
  ],
  async run(lab, run) {
    const { viewer, enter } = await audience(lab, run, 1, { kbit: '150,500,1500' });
    const wide = { ...clean, rate: 2_000_000 };
    await enter();
    await until(async () => (await height(viewer)) === highest, 20_000, 'the top layer on a line without limit');
    await lab.net.line('viewer', { down: wide });
    await pause(6000);
    await until(async () => (await height(viewer)) === highest, 10_000, 'the top layer on 2 Mbit/s');
    const dropped = await viewer.call('begin');
    await lab.net.line('viewer', { down: { ...clean, rate: 300_000 } });
    await pause(2000);
    await lab.net.counters('viewer');
    await pause(10_000);
    const { down } = await lab.net.counters('viewer');
    const narrow = await viewer.call('end');
    const widened = await viewer.call('now');
    await lab.net.line('viewer', { down: wide });
    await until(async () => (await height(viewer)) === highest, 20_000, 'the top layer again').catch(() => {});
    const after = await viewer.call('end');
    run.note({ narrow: summary(narrow), after: summary(after), queue: down });
    return {
      low: sizedAfter(narrow, dropped, (h) => h === lowest), gap: longestGap(after, dropped, after.to), concealed: concealed(narrow), lost: soundLost(narrow),
      queue: down.WaitedMs, top: sizedAfter(after, widened, (h) => h === highest),
    };
  },
};

const narrow = {
  name: 'narrow', checks: [
    { what: 'picture paused for bandwidth, and told so', figure: 'told', unit: '', min: 1 },
    { what: 'switches a minute', figure: 'switches', unit: '', max: 2 },
    { what: 'sound made up', figure: 'concealed', unit: '%', max: 2 },
  ],
  async run(lab, run) {
    const { viewer, senders, enter } = await audience(lab, run, 1);
    await lab.net.line('viewer', { down: { ...clean, rate: 2_000_000 } });
    await enter();
    await sees(viewer);
    await pause(2000);
    await lab.net.line('viewer', { down: { ...clean, rate: 100_000 } });
    await pause(5000);
    await lab.net.counters('viewer');
    const seen = await observe(viewer, 60_000);
    const { down } = await lab.net.counters('viewer');
    const slot = await viewer.call('slotOf', senders.participants[0]);
    run.note({ ...summary(seen), queue: down });
    return { told: slot?.paused === 'bandwidth' ? 1 : 0, switches: switches(seen), concealed: concealed(seen) };
  },
};

/** Eight senders before a viewer whose link the kernel shapes; the first tile is wished larger while the link is narrow. */
function share(mbit) {
  const rate = mbit * 1_000_000;
  return {
    name: `share-${mbit}`, checks: [
      { what: 'link used', figure: 'used', unit: '%', min: 85 },
      { what: 'tiles that stand still, and nobody is told', figure: 'still', unit: '', max: 0 },
      { what: 'small tiles with a larger picture than the large one', figure: 'disorder', unit: '', max: 0 },
      { what: 'switches per tile and minute', figure: 'switches', unit: '', max: 3 },
      { what: 'packets dropped at the queue', figure: 'drops', unit: '%', max: 2 },
    ],
    async run(lab, run) {
      const { viewer, senders, enter } = await audience(lab, run, 8, { spread: 0.8, tile: null });
      await lab.net.shape('viewer', rate);
      await enter();
      await viewer.call('watch', senders.participants.map((participant, i) => ({ participant, ...(i === 0 || mbit >= 5 ? large : { width: 640, height: 360 }) })));
      await pause(15_000);
      const [before, queueBefore] = [await lab.net.counters('viewer'), await lab.net.shaped('viewer')];
      const seen = await observe(viewer, 20_000);
      const [after, queueAfter] = [await lab.net.counters('viewer'), await lab.net.shaped('viewer')];
      run.note({ ...summary(seen), hints: senders.layers.slice(-40).map(([at, who, on]) => [Math.round((at - seen.from) / 100) / 10, who, on.join('')]), queue: { before: queueBefore, after: queueAfter } });
      const seconds = (after.at_ms - before.at_ms) / 1000;
      const paused = (v) => (seen.slots.findLast((s) => s.participant === v.participant)?.paused ?? '') !== '';
      const latest = seen.videos.map((v) => (paused(v) ? 0 : (v.sizes.at(-1)?.[2] ?? 0)));
      const passed = queueAfter.packets - queueBefore.packets;
      const drops = queueAfter.drops - queueBefore.drops;
      return {
        used: (100 * 8 * (after.down.OutBytes - before.down.OutBytes)) / seconds / rate,
        still: stoodStill(seen), disorder: mbit >= 5 ? 0 : latest.slice(1).filter((h) => h > latest[0]).length,
        switches: switches(seen) / 8 * (60_000 / (seen.to - seen.from)), drops: (100 * drops) / Math.max(1, passed + drops),
      };
    },
  };
}

const firstFrame = (facts, shown) => (shown?.first ? shown.first - facts.clickedAt : Infinity);
/** Joins and waits for the first picture; gives the milliseconds since the click. */
async function firstPicture(viewer, ms = 15_000) {
  await viewer.join(large);
  await sees(viewer, 1, ms);
  const facts = await viewer.call('facts');
  const shown = await viewer.page.evaluate(() => nettest.shown(nettest.others()[0]));
  return firstFrame(facts, shown);
}

const far = {
  name: 'far', checks: [
    { what: 'click to first picture', figure: 'first', unit: 'ms', max: 1500 },
    { what: 'freezes in 10 s', figure: 'freezes', unit: '', max: 0 },
  ],
  async run(lab, run) {
    const line = { delay_ms: 100, jitter_ms: 30 };
    for (const who of ['sender', 'viewer']) await lab.net.line(who, { up: line, down: line });
    const { viewer } = await two(lab, run);
    await pause(1500); // a person looks at the page; everything is ready meanwhile
    const first = await firstPicture(viewer);
    run.note(await viewer.call('paths'));
    await pause(1000);
    const seen = await observe(viewer, 10_000);
    run.note(summary(seen));
    return { first, freezes: freezes(seen) };
  },
};

const uplink = {
  name: 'uplink', checks: [
    { what: 'sound made up', figure: 'concealed', unit: '%', max: 2 },
    { what: 'pictures a second', figure: 'fps', unit: '', min: 5 },
    { what: 'longest freeze', figure: 'gap', unit: 'ms', max: 1000 },
    { what: 'wait before the line', figure: 'queue', unit: 'ms', max: 500 }, // people who hear each other later than that talk at once
  ],
  async run(lab, run) {
    const { viewer, publisher } = await two(lab, run);
    await viewer.join(large);
    await sees(viewer);
    await pause(2000);
    await lab.net.line('sender', { up: { ...clean, rate: 150_000 } });
    await pause(8000);
    await publisher.call('begin');
    await lab.net.counters('sender');
    const seen = await observe(viewer, 20_000);
    const sent = await publisher.call('end');
    const { up } = await lab.net.counters('sender');
    run.note({ ...summary(seen), queue: up, sent: sending(sent) });
    return { concealed: concealed(seen), fps: framesPerSecond(seen), gap: longestGap(seen), queue: up.WaitedMs };
  },
};

/** Something happens to the viewer's network in the middle of a meeting. */
function event(name, aimMs, happen, { options, before } = {}) {
  return {
    name, checks: [{ what: 'media back', figure: 'back', unit: 'ms', max: aimMs }],
    async run(lab, run) {
      await before?.(lab.net);
      const { viewer } = await two(lab, run, options);
      await viewer.join(large);
      await sees(viewer);
      await pause(4000);
      const at = await viewer.call('begin');
      await happen(lab.net);
      await pause(aimMs * 2 + 4000);
      const seen = await viewer.call('end');
      run.note({ ...summary(seen), since: (await viewer.call('since', at)) });
      return { back: backAfter(seen, at) };
    },
  };
}

/** A join through a network that lets little pass. */
function blocked(name, aimMs, block) {
  return {
    name, checks: [
      { what: 'click to first picture', figure: 'first', unit: 'ms', max: aimMs },
      { what: 'over TCP', figure: 'tcp', unit: '', min: 1 },
    ],
    async run(lab, run) {
      await block(lab.net);
      const { viewer } = await two(lab, run);
      await pause(1500);
      const first = await firstPicture(viewer, 20_000).catch(async (e) => {
        run.note(await viewer.call('paths'));
        throw e;
      });
      const path = await viewer.call('path');
      run.note({ path, ...(await viewer.call('paths')) });
      return { first, tcp: path && (path.protocol === 'tcp' || ['tcp', 'tls'].includes(path.relay)) ? 1 : 0 };
    },
  };
}

const watchOnly = { options: { mic: false }, before: (net) => net.rebind('viewer') };

export const scenarios = [
  impaired('clean', 'viewer', [noFreeze, { what: 'sound made up', figure: 'concealed', unit: '%', max: 1 }], {}),
  ...bothLines('loss5', [noFreeze], { loss: 0.05 }),
  ...bothLines('loss10', [frozenLittle], { loss: 0.1 }),
  ...bothLines('loss30', [
    { what: 'sound made up', figure: 'concealed', unit: '%', max: 5 },
    { what: 'longest freeze', figure: 'gap', unit: 'ms', max: 1000 },
  ], { loss: 0.3 }),
  ...bothLines('burst', [frozenLittle, { what: 'pictures that came whole and were not decoded', figure: 'undecoded', unit: '', max: 0 }],
    { loss: 0.03, burst: 8, reorder: 0.05, duplicate: 0.05 }),
  far, step, narrow,
  ...[0.5, 1, 2, 5, 10].map(share),
  uplink,
  blocked('udp-blocked', 3000, (net) => net.block('viewer', 'udp')),
  blocked('only-443', 4000, (net) => net.allowOnly('viewer', 443)),
  event('udp-cut', 3000, (net) => net.block('viewer', 'udp')),
  event('address', 1200, (net) => net.move('viewer')),
  event('rebind', 300, (net) => net.rebind('viewer'), { before: (net) => net.rebind('viewer') }),
  event('rebind-watching', 3000, (net) => net.rebind('viewer'), watchOnly),
];

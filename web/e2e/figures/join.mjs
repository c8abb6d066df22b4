// How long from the click on "join" to the first frame of another person, and where the time goes.
//
//   node e2e/figures/join.mjs [chromium|firefox] [rounds, default 10]
//
// One person is in the meeting already; another joins, leaves and joins again. Prints each phase's median, minimum and
// maximum in milliseconds since the click.
import { serve } from '../lib/server.mjs';
import { launchChromium, launchFirefox } from '../lib/browsers.mjs';
import { invite, join, setUp, startMeeting } from '../lib/people.mjs';

const which = process.argv[2] ?? 'chromium';
const rounds = Number(process.argv[3] ?? 10);

/** Runs in the page: clicks and watches until another person's picture moves. */
function measure() {
  const marks = {};
  const mark = (name) => { marks[name] ??= performance.now() - start; };
  const button = document.querySelector('[data-testid="prejoin-join"]');
  const pcs = globalThis.__observer.pcs;
  const pc = pcs.at(-1);
  let start = 0;
  // What the page does itself, seen from outside: requests, the socket, the answer.
  const { fetch } = globalThis;
  globalThis.fetch = (...a) => { mark('a request'); return fetch(...a); };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    if (String(data).includes('"join"')) {
      mark('join sent');
      this.addEventListener('message', (e) => {
        const said = String(e.data);
        if (said.includes('"joined"')) mark('joined heard');
        if (said.includes('"occupancy"') && said.includes('CAMERA')) mark('slot filled');
      });
    }
    return send.call(this, data);
  };
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = function (...a) { mark('answer begun'); return setRemoteDescription.apply(this, a); };
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no frame: ${JSON.stringify(marks)}`)), 15_000);
    const watch = () => {
      const p = pc ?? globalThis.__observer.pcs.at(-1);
      if (p?.remoteDescription) mark('answer applied');
      if (p?.connectionState === 'connected') mark('connected');
      for (const r of p?.getReceivers() ?? []) if (r.track.kind === 'video' && !r.track.muted) mark('first packet');
      for (const tile of document.querySelectorAll('[data-testid="tile"]')) {
        const video = tile.querySelector('video');
        const own = tile.dataset.participant === globalThis.__room?.selfId;
        if (video && !own && globalThis.__room && video.videoWidth > 0 && video.readyState >= 2) mark('first frame');
      }
      if (document.querySelector('[data-testid="dock-leave"]')) mark('meeting shown');
      if (marks['first frame'] !== undefined) { clearTimeout(late); resolve(marks); return; }
      timer = setTimeout(watch, 2);
    };
    let timer = 0;
    start = performance.now();
    button.click();
    watch();
  });
}

const server = await serve();
const browser = which === 'firefox' ? await launchFirefox() : await launchChromium();
const publisherBrowser = await launchChromium(); // of its own, so that its drawing does not share a process
try {
  const lin = await publisherBrowser.person();
  await setUp(lin, server);
  const zhao = await browser.person();
  await invite(lin, zhao, server, { name: 'Zhao Heng', login: 'zhao.heng' });
  const link = await startMeeting(lin, server);
  await join(lin);
  const all = [];
  for (let i = 0; i < rounds; i++) {
    await zhao.goto(link);
    await zhao.until(() => { const b = document.querySelector('[data-testid="prejoin-join"]'); return b && !b.disabled; }, null, { what: 'ready to join' });
    await new Promise((r) => setTimeout(r, 1500)); // a person reads the page; socket, key, offer and token are made meanwhile
    all.push(await zhao.evaluate(measure));
    await zhao.click('dock-leave');
    await zhao.see('end-reason');
  }
  console.log(`${which}, ${rounds} joins, ms since the click (median, min, max)`);
  for (const name of ['a request', 'join sent', 'joined heard', 'answer begun', 'answer applied', 'connected', 'meeting shown', 'slot filled', 'first packet', 'first frame']) {
    const values = all.map((m) => m[name]).filter((v) => v !== undefined).sort((a, b) => a - b);
    if (values.length === 0) continue;
    const f = (n) => n.toFixed(0).padStart(5);
    console.log(`  ${name.padEnd(16)} ${f(values[Math.floor(values.length / 2)])} ${f(values[0])} ${f(values.at(-1))}`);
  }
  const text = await (await fetch(`${server.admin}/metrics`)).text();
  console.log('server, mean ms of a join by phase');
  for (const [, phase, sum] of text.matchAll(/^incamera_signaling_entry_phase_seconds_sum\{kind="join",phase="(\w+)"[^}]*\} (\S+)$/gm)) {
    const count = text.match(new RegExp(`^incamera_signaling_entry_phase_seconds_count\\{kind="join",phase="${phase}"[^}]*\\} (\\S+)$`, 'm'))[1];
    console.log(`  ${phase.padEnd(16)} ${(1000 * Number(sum) / Number(count)).toFixed(1).padStart(7)}`);
  }
} finally {
  await browser.close();
  await publisherBrowser.close();
  await server.stop();
}

// Runs in every page before its scripts: remembers peer connections and counts their negotiations, so that tests can
// read getStats and assert "no new offer" without any hook in the product. It also keeps the Room the app announces.
export function observer() {
  const pcs = [];
  const counts = { offers: 0, answers: 0, local: 0, remote: 0 };
  const Native = globalThis.RTCPeerConnection;
  if (!Native) return;
  class Observed extends Native {
    constructor(...args) { super(...args); pcs.push(this); }
    createOffer(...a) { counts.offers++; return super.createOffer(...a); }
    createAnswer(...a) { counts.answers++; return super.createAnswer(...a); }
    setLocalDescription(...a) { counts.local++; return super.setLocalDescription(...a); }
    setRemoteDescription(...a) { counts.remote++; return super.setRemoteDescription(...a); }
  }
  globalThis.RTCPeerConnection = Observed;
  const sockets = [];
  const frames = []; // what the server said, as text
  const asked = new Map();
  let nextId = 900_000; // far above what the page counts to
  const NativeSocket = globalThis.WebSocket;
  globalThis.WebSocket = class extends NativeSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
      this.addEventListener('message', (e) => {
        if (frames.push(String(e.data)) > 500) frames.shift();
        const answer = JSON.parse(e.data);
        if (!asked.has(answer.re)) return;
        e.stopImmediatePropagation(); // the page did not ask
        asked.get(answer.re)(answer);
        asked.delete(answer.re);
      });
    }
  };
  /** Says one message on the page's newest socket, past everything the page would check, and gives the answer. */
  function say(body) {
    const id = nextId++;
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`no answer to ${JSON.stringify(body)}`)), 10_000);
      asked.set(id, resolve);
      sockets.at(-1).send(JSON.stringify({ id, ...body }));
    });
  }
  document.addEventListener('incamera:room', (e) => { globalThis.__room = e.detail; });

  async function reports(type) {
    const list = [];
    for (const pc of pcs) {
      if (pc.connectionState === 'closed') continue;
      (await pc.getStats()).forEach((r) => { if (r.type === type) list.push({ ...r }); });
    }
    return list;
  }
  globalThis.__observer = {
    pcs, counts, say,
    /** The kinds of what the server has said on all sockets: the top-level keys, without `re`. */
    heard: () => [...new Set(frames.flatMap((f) => Object.keys(JSON.parse(f))))].filter((k) => k !== 're').sort(),
    heardText: (text) => frames.some((f) => f.includes(text)),
    dropSockets: () => sockets.forEach((s) => s.close(4999)),
    socketsOpened: () => sockets.length,
    facts: () => ({ ...counts, pcs: pcs.length, live: pcs.filter((p) => p.connectionState === 'connected').length }),
    inbound: async (kind) => (await reports('inbound-rtp')).filter((r) => r.kind === kind),
    outbound: async (kind) => (await reports('outbound-rtp')).filter((r) => r.kind === kind),
    transport: () => reports('transport'),
  };
}

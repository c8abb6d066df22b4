// Runs in the page of each browser: joins by the SDK as any page would, and writes down what a person would see and hear.
// Times are milliseconds since 1970, so that they lie on the same axis as what the network did.
const now = () => performance.timeOrigin + performance.now();
const state = { room: null, prepared: null, watched: new Map(), slots: [], connection: [], errors: [], ice: [], before: null, clickedAt: 0, connectedAt: 0 };
const pcs = [];
const Native = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Native { constructor(...a) {
  super(...a);
  pcs.push(this);
  const nth = pcs.length;
  this.addEventListener('signalingstatechange', () => state.ice.push([now(), `${nth} signaling ${this.signalingState}`]));
  this.addEventListener('iceconnectionstatechange', () => state.ice.push([now(), `${nth} ice ${this.iceConnectionState}`]));
  this.addEventListener('connectionstatechange', () => state.ice.push([now(), `${nth} ${this.connectionState}`]));
  this.addEventListener('icecandidate', (e) => state.ice.push([now(), `${nth} candidate ${e.candidate?.candidate.split(' ').slice(2, 8).join(' ') ?? 'end'}`]));
} };

/** Opens the socket and makes key and offer; gives the key's thumbprint. */
async function ready({ url, room, publish }) {
  const { prepare } = await import(`${url}/sdk/incamera.js`);
  state.prepared = prepare({ url, room, publish, pauseWhenHidden: false });
  await state.prepared.ready;
  return state.prepared.jkt;
}

/** The click. With a tile, everybody who comes is watched at that size. */
async function join({ token, mic, camera, tile }) {
  state.clickedAt = now();
  const room = await state.prepared.connect({ token, mic, camera });
  state.room = room;
  state.connectedAt = now();
  room.on('slots', (views) => noteSlots(views));
  room.on('connection', (c) => state.connection.push([now(), c.signaling, c.media]));
  room.on('error', (e) => state.errors.push([now(), e.code, e.message]));
  room.on('ended', ({ reason }) => state.errors.push([now(), 'ended', reason]));
  const watchAll = () => watch(others().map((participant) => ({ participant, ...tile })));
  if (tile) {
    room.on('participant-joined', watchAll);
    watchAll();
  }
  return room.selfId;
}

function others() { return [...state.room.participants.keys()].filter((id) => id !== state.room.selfId); }

function noteSlots(views) {
  for (const v of views) {
    if (v.type !== 'video' || !v.participant) continue;
    const last = state.slots.findLast((s) => s.participant === v.participant);
    if (last && last.paused === v.paused && last.layer === v.layer) continue;
    state.slots.push({ at: now(), participant: v.participant, paused: v.paused, layer: v.layer });
  }
}

/** Tiles by participant; an element each, whose frames are timed by the compositor, not by this thread. */
function watch(tiles) {
  const stage = document.getElementById('stage');
  state.room.watch(tiles.map(({ participant, width, height }) => {
    let seen = state.watched.get(participant);
    if (!seen) {
      const element = Object.assign(document.createElement('video'), { width: 160, height: 90, muted: true, autoplay: true });
      stage.append(element);
      seen = { element, frames: 0, last: 0, first: 0, gaps: [], sizes: [] };
      state.watched.set(participant, seen);
      follow(seen);
    }
    return { participant, kind: 'camera', width, height, element: seen.element };
  }));
}

function follow(seen) {
  let count = -1;
  const onFrame = (_, meta) => {
    const at = performance.timeOrigin + meta.presentationTime;
    // Frames that were shown without a call of this function are no gap.
    const missed = count >= 0 && meta.presentedFrames > count ? meta.presentedFrames - count : 1;
    count = meta.presentedFrames;
    if (seen.last > 0) {
      const gap = (at - seen.last) / missed;
      if (gap > 100) seen.gaps.push([seen.last, gap]);
    } else {
      seen.first = at;
    }
    seen.last = at;
    seen.frames += missed;
    const size = seen.sizes.at(-1);
    if (!size || size[1] !== meta.width || size[2] !== meta.height) seen.sizes.push([at, meta.width, meta.height]);
    seen.element.requestVideoFrameCallback(onFrame);
  };
  seen.element.requestVideoFrameCallback(onFrame);
}

async function reports() {
  const found = { inbound: [], outbound: [], path: null };
  for (const pc of pcs) {
    if (pc.connectionState === 'closed') continue;
    const all = await pc.getStats();
    const list = [...all.values()];
    found.inbound.push(...list.filter((r) => r.type === 'inbound-rtp').map((r) => ({ ...r })));
    found.outbound.push(...list.filter((r) => r.type === 'outbound-rtp').map((r) => ({ ...r })));
    const transport = list.find((r) => r.type === 'transport' && r.selectedCandidatePairId);
    const pair = transport && all.get(transport.selectedCandidatePairId);
    const local = pair && all.get(pair.localCandidateId);
    if (local) {
      found.path = { protocol: local.protocol, type: local.candidateType, relay: local.relayProtocol ?? '', rttMs: (pair.currentRoundTripTime ?? 0) * 1000,
        sendingBps: pair.availableOutgoingBitrate ?? 0, state: pc.connectionState };
    }
  }
  return found;
}

/** From here on things count. */
async function begin() {
  state.before = { at: now(), ...(await reports()), frames: new Map([...state.watched].map(([id, s]) => [id, s.frames])) };
  return state.before.at;
}

const sums = ['packetsReceived', 'packetsLost', 'bytesReceived', 'framesDecoded', 'framesReceived', 'framesDropped', 'keyFramesDecoded',
  'freezeCount', 'totalFreezesDuration', 'nackCount', 'pliCount', 'firCount', 'retransmittedPacketsReceived', 'concealedSamples',
  'silentConcealedSamples', 'concealmentEvents', 'totalSamplesReceived', 'totalAudioEnergy', 'jitterBufferDelay', 'jitterBufferEmittedCount',
  'fecPacketsReceived', 'packetsDiscarded', 'packetsSent', 'bytesSent', 'framesEncoded', 'retransmittedPacketsSent'];

/** What happened since begin. */
async function end() {
  const at = now();
  const after = await reports();
  const key = (r) => `${r.ssrc}/${r.rid ?? ''}`;
  const delta = (list, old) => list.map((r) => {
    const was = old.find((o) => key(o) === key(r)) ?? {};
    const d = Object.fromEntries(sums.filter((s) => typeof r[s] === 'number').map((s) => [s, r[s] - (was[s] ?? 0)]));
    return { kind: r.kind, mid: r.mid, ssrc: r.ssrc, rid: r.rid, width: r.frameWidth, height: r.frameHeight, fps: r.framesPerSecond, jitterMs: (r.jitter ?? 0) * 1000, ...d };
  });
  return {
    from: state.before.at, to: at, path: after.path,
    inbound: delta(after.inbound, state.before.inbound), outbound: delta(after.outbound, state.before.outbound),
    videos: [...state.watched].map(([participant, s]) => ({
      participant, frames: s.frames - (state.before.frames.get(participant) ?? 0), first: s.first, last: s.last, gaps: s.gaps, sizes: s.sizes,
    })),
    encodings: pcs.at(-1)?.getSenders().filter((x) => x.track?.kind === 'video').flatMap((x) => x.getParameters().encodings.filter((e) => e.active).map((e) => e.rid ?? '')) ?? [],
    slots: state.slots, connection: state.connection, errors: state.errors,
  };
}

globalThis.nettest = {
  ready, join, watch, begin, end, now,
  facts: () => ({ clickedAt: state.clickedAt, connectedAt: state.connectedAt, connection: state.connection, errors: state.errors }),
  others,
  path: async () => (await reports()).path,
  /** What the server offered to connect to, and how the connections went. */
  paths: () => ({
    offered: pcs.map((pc) => [...(pc.remoteDescription?.sdp ?? '').matchAll(/^a=candidate:(.*)$/gm)].map((m) => m[1])),
    connections: pcs.map((pc) => [pc.connectionState, pc.iceConnectionState, (pc.getConfiguration().iceServers ?? []).flatMap((s) => s.urls)]),
    sinceClick: [[state.connectedAt, 'answered'], ...state.ice].map(([at, what]) => [Math.round(at - state.clickedAt), what]).sort((a, b) => a[0] - b[0]),
  }),
  /** How the connections fared from a moment on, in milliseconds after it. */
  since: (moment) => state.ice.filter(([at]) => at >= moment).map(([at, what]) => [Math.round(at - moment), what]),
  shown: (participant) => {
    const s = state.watched.get(participant);
    return s && { frames: s.frames, first: s.first, last: s.last, size: s.sizes.at(-1) ?? null };
  },
  slotOf: (participant) => state.slots.findLast((s) => s.participant === participant) ?? null,
  leave: () => state.room?.leave().catch(() => {}),
};

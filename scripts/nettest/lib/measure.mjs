// From what a page wrote down to figures. Pure.

/** The longest time without a new picture between two moments, over all pictures, in milliseconds. */
export function longestGap(seen, from = seen.from, to = seen.to) {
  let longest = 0;
  for (const v of seen.videos) {
    if (v.last === 0) return to - from; // nothing was ever seen
    for (const [start, ms] of v.gaps) {
      if (start + ms > from && start < to) longest = Math.max(longest, ms);
    }
    longest = Math.max(longest, Math.min(to, seen.to) - Math.max(v.last, from)); // one that has not ended
  }
  return seen.videos.length === 0 ? to - from : longest;
}

/** When pictures went on after the longest gap since about a moment, in milliseconds after it. */
export function backAfter(seen, at) {
  let back = 0;
  for (const v of seen.videos) {
    if (seen.to - v.last > 1000) return Infinity;
    const [start, ms] = v.gaps.filter(([s]) => s > at - 500).reduce((a, b) => (b[1] > a[1] ? b : a), [at, 0]);
    back = Math.max(back, start + ms - at);
  }
  return seen.videos.length === 0 ? Infinity : back;
}

const of = (seen, kind) => seen.inbound.filter((r) => r.kind === kind);

/** Share of the time that counts as frozen by the browser's own measure, in percent. */
export function frozen(seen) {
  const flowing = of(seen, 'video').filter((r) => r.framesDecoded > 0);
  if (flowing.length === 0) return 100;
  return (100 * Math.max(...flowing.map((r) => r.totalFreezesDuration * 1000))) / (seen.to - seen.from);
}

export function freezes(seen) {
  const flowing = of(seen, 'video').filter((r) => r.framesDecoded > 0);
  return flowing.length === 0 ? Infinity : flowing.reduce((n, r) => n + r.freezeCount, 0);
}

/** Share of the sound that the receiver had to make up, in percent. It fades into silence where nothing comes for long: that counts too, as whoever sends here never is silent. */
export function concealed(seen) {
  const flowing = of(seen, 'audio').filter((r) => r.packetsReceived > 0 && r.totalSamplesReceived > 0);
  if (flowing.length === 0) return 100;
  return Math.max(...flowing.map((r) => (100 * r.concealedSamples) / r.totalSamplesReceived));
}

/** Share of the sound that never came, or came too late to be played, in percent. */
export function soundLost(seen) {
  const flowing = of(seen, 'audio').filter((r) => r.packetsReceived > 0);
  if (flowing.length === 0) return 100;
  return Math.max(...flowing.map((r) => (100 * (Math.max(0, r.packetsLost) + (r.packetsDiscarded ?? 0))) / (r.packetsReceived + Math.max(0, r.packetsLost))));
}

/** Pictures that came whole and could not be decoded; three may be on their way. */
export function undecoded(seen) {
  return of(seen, 'video').reduce((n, r) => n + Math.max(0, r.framesReceived - r.framesDecoded - r.framesDropped - 3), 0);
}

export function framesPerSecond(seen) {
  return Math.min(...seen.videos.map((v) => (1000 * v.frames) / (seen.to - seen.from)), Infinity);
}

/** How long after a moment the picture of the first tile first had a height that `fits`. */
export function sizedAfter(seen, at, fits) {
  const found = seen.videos[0]?.sizes.find(([when, , height]) => when >= at && fits(height));
  return found ? found[0] - at : Infinity;
}

/** Changes of layer and of pausing between two moments, over all tiles. */
export function switches(seen, from = seen.from, to = seen.to) {
  const within = (at) => at >= from && at <= to;
  const sizes = seen.videos.reduce((n, v) => n + v.sizes.slice(1).filter(([at]) => within(at)).length, 0);
  const pauses = seen.slots.filter((s, i) => within(s.at) && i > 0 && (seen.slots.slice(0, i).findLast((o) => o.participant === s.participant)?.paused ?? s.paused) !== s.paused).length;
  return sizes + pauses;
}

/** Milliseconds of the window in which the page was not told that a person's picture is paused. */
function playing(seen, participant) {
  let [total, since, paused] = [0, seen.from, false];
  for (const { at, paused: why } of seen.slots.filter((s) => s.participant === participant)) {
    const now = Math.min(Math.max(at, seen.from), seen.to);
    if (!paused) total += now - since;
    [since, paused] = [now, why !== ''];
  }
  return paused ? total : total + seen.to - since;
}

/** A picture that goes on begins with a key frame, which has to be asked for. */
const settle = 1000;

/** Tiles with fewer than five pictures a second while nobody is told that they are paused. */
export function stoodStill(seen) {
  return seen.videos.filter((v) => v.frames < (5 * (playing(seen, v.participant) - settle)) / 1000).length;
}

/** What a publisher sent in the window, for the JSON line. */
export function sending(sent) {
  const seconds = (sent.to - sent.from) / 1000;
  const layers = sent.outbound.filter((o) => o.packetsSent > 0).map((o) => ({
    kind: o.kind, rid: o.rid, kbit: Math.round((o.bytesSent * 8) / seconds / 1000), fps: o.kind === 'video' ? Math.round(o.framesEncoded / seconds) : undefined,
    height: o.height, again: o.retransmittedPacketsSent, nacks: o.nackCount, plis: o.pliCount,
  }));
  return { layers, asked: sent.encodings, estimateKbit: Math.round((sent.path?.sendingBps ?? 0) / 1000), rttMs: sent.path?.rttMs };
}

/** What somebody hears and sees in the window, for the JSON line. */
export function summary(seen) {
  const round = (v) => (typeof v === 'number' ? Math.round(v * 100) / 100 : v);
  const pick = (r, names) => Object.fromEntries(names.filter((n) => r[n] !== undefined).map((n) => [n, round(r[n])]));
  return {
    seconds: round((seen.to - seen.from) / 1000), path: seen.path, connection: seen.connection, errors: seen.errors,
    video: of(seen, 'video').filter((r) => r.packetsReceived > 0).map((r) => pick(r, ['mid', 'width', 'height', 'framesDecoded', 'framesReceived', 'framesDropped', 'keyFramesDecoded',
      'freezeCount', 'totalFreezesDuration', 'packetsReceived', 'packetsLost', 'retransmittedPacketsReceived', 'nackCount', 'pliCount', 'bytesReceived'])),
    audio: of(seen, 'audio').filter((r) => r.packetsReceived > 0).map((r) => pick(r, ['mid', 'packetsReceived', 'packetsLost', 'packetsDiscarded', 'concealedSamples',
      'silentConcealedSamples', 'totalSamplesReceived', 'concealmentEvents', 'fecPacketsReceived', 'jitterMs', 'retransmittedPacketsReceived', 'nackCount'])),
    tiles: seen.videos.map((v) => ({
      frames: v.frames, size: v.sizes.at(-1)?.slice(1).join('×') ?? 'none', gaps: v.gaps.filter(([s, ms]) => s + ms > seen.from).map(([s, ms]) => [round((s - seen.from) / 1000), Math.round(ms)]).slice(0, 30),
      sizes: v.sizes.map(([at, w, h]) => [round((at - seen.from) / 1000), `${w}×${h}`]).slice(-20),
    })),
    slots: seen.slots.map((s) => [round((s.at - seen.from) / 1000), s.layer, s.paused]).slice(-20),
  };
}

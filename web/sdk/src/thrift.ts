// What is sent on an uplink that hardly carries sound: sound without copies and with fewer bits, and the lowest picture.

/** What the browser says of its way out. */
export interface Uplink {
  /** What congestion control takes it to carry; null where the browser does not tell. */
  readonly bitsPerSecond: number | null;
  /** Of the sound, as the server reports it: the share that was lost for good, and the round trip. */
  readonly lost: number | null;
  readonly roundTripMs: number | null;
  /** Packets of sound so far, and how many of them were asked for and sent again. */
  readonly sent: number;
  readonly again: number;
}

/**
 * Copies of each packet double the sound: with headers they are 100 kbit/s. And while larger pictures are on, browsers try
 * with padding whether they fit, and take the sound for nothing in that: a line this narrow always has a queue then.
 */
const narrow = 250_000;
/** Sound and the lowest picture alone let the browser's estimate grow to a third more than this. */
const wide = 300_000;
/** Where packets are lost and no queue loses them, copies of the sound are worth more than pictures. */
const lossy = 0.05;
const queueMs = 250;
/** What is lost is an average over so many packets. */
const lossOver = 100;
/** So often must the uplink be found narrow. */
const doubts = 2;
/** So long must it be wide again; longer when it was narrow again soon after the last time. */
const patienceMs = 4000;
const patienceMostMs = 120_000;
const soonMs = 30_000;
/** Enough for speech; browsers take 32 kbit/s by themselves. */
const thriftyBps = 20_000;

/** Decides whether all must be kept small. */
export class Thrift {
  #thrifty = false;
  #doubts = 0;
  #wideSince: number | null = null;
  #leftAt = -Infinity;
  #patienceMs = patienceMs;
  #leastMs = Infinity;
  #sent = 0;
  #again = 0;
  #missed = 0;

  get thrifty(): boolean {
    return this.#thrifty;
  }

  /** True: the answer changed. */
  observe({ bitsPerSecond, lost, roundTripMs, sent, again }: Uplink, nowMs: number): boolean {
    this.#count(sent, again);
    if (bitsPerSecond === null || bitsPerSecond <= 0) return false;
    if (roundTripMs !== null && roundTripMs > 0) this.#leastMs = Math.min(this.#leastMs, roundTripMs);
    const queued = roundTripMs !== null && roundTripMs > this.#leastMs + queueMs;
    const loses = Math.max(lost ?? 0, this.#missed) > lossy && !queued;
    return this.#thrifty ? this.#leave(bitsPerSecond, loses, nowMs) : this.#enter(bitsPerSecond, loses, nowMs);
  }

  #count(sent: number, again: number): void {
    const packets = sent - this.#sent;
    const share = (again - this.#again) / packets;
    if (packets > 0 && share >= 0) this.#missed += (Math.min(share, 1) - this.#missed) * Math.min(packets / lossOver, 1);
    this.#sent = sent;
    this.#again = again;
  }

  #enter(bitsPerSecond: number, loses: boolean, nowMs: number): boolean {
    this.#doubts = bitsPerSecond < narrow && !loses ? this.#doubts + 1 : 0;
    if (this.#doubts < doubts) return false;
    this.#patienceMs = nowMs - this.#leftAt < soonMs ? Math.min(this.#patienceMs * 2, patienceMostMs) : patienceMs;
    this.#doubts = 0;
    this.#wideSince = null;
    return (this.#thrifty = true);
  }

  #leave(bitsPerSecond: number, loses: boolean, nowMs: number): boolean {
    if (bitsPerSecond < wide && !loses) this.#wideSince = null;
    else this.#wideSince ??= nowMs;
    if (this.#wideSince === null || nowMs - this.#wideSince < this.#patienceMs) return false;
    this.#thrifty = false;
    this.#leftAt = nowMs;
    return true;
  }
}

type Coded = RTCRtpEncodingParameters & { codec?: RTCRtpCodec };

/** Puts the decision into the parameters of a sender of sound, with no negotiation; true: they changed. */
export function applyThrift(parameters: RTCRtpSendParameters, thrifty: boolean): boolean {
  const encoding: Coded | undefined = parameters.encodings?.[0];
  if (!encoding || (encoding.maxBitrate === thriftyBps) === thrifty) return false;
  if (!thrifty) {
    delete encoding.maxBitrate;
    delete encoding.codec;
    return true;
  }
  encoding.maxBitrate = thriftyBps;
  const named = (mime: string) => parameters.codecs?.find((c) => c.mimeType.toLowerCase() === mime);
  const opus = named('audio/opus');
  if (opus && named('audio/red')) {
    const { mimeType, clockRate, channels, sdpFmtpLine } = opus;
    encoding.codec = { mimeType, clockRate, ...(channels === undefined ? {} : { channels }), ...(sdpFmtpLine === undefined ? {} : { sdpFmtpLine }) };
  }
  return true;
}

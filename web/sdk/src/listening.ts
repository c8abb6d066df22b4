// How long sound and pictures wait before they are played. A browser's own buffer settles for losing about one packet of
// sound in twenty to lateness, and does not count on repairs of pictures at all; where repairs come late, waiting a little
// longer is noticed by nobody, and a gap by everyone.

import { Scope } from './emitter.js';

const everyMs = 2000;
const bad = 0.02;
const good = 0.005;
/** Periods of bad sound before the wait grows (somebody who mutes makes one), and of good sound before it shrinks. */
const badPeriods = 2;
const goodPeriods = 10;
const firstMs = 120;
const moreMs = 40;
const mostMs = 200;

/** The next wait, from the share of sound that had to be made up in each period. */
export class Wait {
  ms = 0;
  #bad = 0;
  #good = 0;

  next(madeUp: number): number {
    this.#bad = madeUp >= bad ? this.#bad + 1 : 0;
    this.#good = madeUp < good ? this.#good + 1 : 0;
    if (this.#bad >= badPeriods) {
      this.#bad = 0;
      this.ms = this.ms === 0 ? firstMs : Math.min(mostMs, this.ms + moreMs);
    } else if (this.#good >= goodPeriods) {
      this.#good = 0;
      this.ms = this.ms <= firstMs ? 0 : this.ms - moreMs;
    }
    return this.ms;
  }
}

const repairMs = 50;
const mostRepairMs = 300;
/** Requests for lost packets for each picture, from the most, and the wait that then hides most repairs. */
const repairs = [[0.4, 250], [0.15, 150], [0.05, 100]] as const;

/** The next wait of a picture, from how often lost packets had to be asked for, and the share of time it stood still. */
export class PictureWait {
  ms = 0;
  #good = 0;

  next(requests: number, still: number): number {
    const least = repairs.find(([from]) => requests >= from)?.[1] ?? 0;
    const froze = requests > 0 && still >= bad;
    if (froze || least > this.ms) {
      this.#good = 0;
      this.ms = Math.min(mostRepairMs, Math.max(least, froze ? Math.max(this.ms, repairs[1][1] - repairMs) + repairMs : 0));
    } else if (least === this.ms) {
      this.#good = 0;
    } else if (++this.#good >= goodPeriods) {
      this.#good = 0;
      this.ms = Math.max(least, this.ms - repairMs);
    }
    return this.ms;
  }
}

interface Heard {
  total: number;
  madeUp: number;
}

async function heard(receiver: RTCRtpReceiver): Promise<Heard> {
  const sum: Heard = { total: 0, madeUp: 0 };
  (await receiver.getStats()).forEach((r: Record<string, unknown>) => {
    if (r['type'] !== 'inbound-rtp') return;
    const of = (name: string) => Number(r[name] ?? 0);
    sum.total += of('totalSamplesReceived');
    sum.madeUp += of('concealedSamples') - of('silentConcealedSamples');
  });
  return sum;
}

interface Seen {
  frames: number;
  requests: number;
  stillMs: number;
}

async function seen(receiver: RTCRtpReceiver): Promise<Seen> {
  const sum: Seen = { frames: 0, requests: 0, stillMs: 0 };
  (await receiver.getStats()).forEach((r: Record<string, unknown>) => {
    if (r['type'] !== 'inbound-rtp') return;
    const of = (name: string) => Number(r[name] ?? 0);
    sum.frames += of('framesDecoded');
    sum.requests += of('nackCount');
    sum.stillMs += of('totalFreezesDuration') * 1000;
  });
  return sum;
}

interface Line {
  readonly wait: Wait;
  was: Heard | null;
}

interface Picture {
  readonly wait: PictureWait;
  was: Seen | null;
}

function play(receiver: RTCRtpReceiver, wait: number): void {
  const it = receiver as RTCRtpReceiver & { jitterBufferTarget?: number | null };
  if ('jitterBufferTarget' in it && it.jitterBufferTarget !== (wait || null)) it.jitterBufferTarget = wait || null;
}

/** Watches each slot by itself: one person's bad link makes nobody else late. */
export class Listening {
  readonly #scope = new Scope();
  readonly #receivers: (kind: 'audio' | 'video') => readonly RTCRtpReceiver[];
  #lines = new Map<RTCRtpReceiver, Line>();
  #pictures = new Map<RTCRtpReceiver, Picture>();

  constructor(receivers: (kind: 'audio' | 'video') => readonly RTCRtpReceiver[]) {
    this.#receivers = receivers;
    this.#later();
  }

  close(): void {
    this.#scope.end();
  }

  #later(): void {
    this.#scope.timeout(() => {
      Promise.allSettled([this.#listen(), this.#watch()]).finally(() => this.#scope.ended || this.#later());
    }, everyMs);
  }

  async #listen(): Promise<void> {
    const lines = new Map<RTCRtpReceiver, Line>();
    for (const receiver of this.#receivers('audio')) {
      const line = this.#lines.get(receiver) ?? { wait: new Wait(), was: null };
      lines.set(receiver, line);
      const is = await heard(receiver);
      const { was } = line;
      line.was = is;
      if (!was || is.total <= was.total) continue;
      play(receiver, line.wait.next(Math.max(0, is.madeUp - was.madeUp) / (is.total - was.total)));
    }
    this.#lines = lines;
  }

  async #watch(): Promise<void> {
    const pictures = new Map<RTCRtpReceiver, Picture>();
    for (const receiver of this.#receivers('video')) {
      const picture = this.#pictures.get(receiver) ?? { wait: new PictureWait(), was: null };
      pictures.set(receiver, picture);
      const is = await seen(receiver);
      const { was } = picture;
      picture.was = is;
      if (!was || is.frames <= was.frames) continue;
      play(receiver, picture.wait.next((is.requests - was.requests) / (is.frames - was.frames), (is.stillMs - was.stillMs) / everyMs));
    }
    this.#pictures = pictures;
  }
}

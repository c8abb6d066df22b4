// How long sound waits before it is played. A browser's own buffer settles for losing about one packet in twenty to
// lateness; where repairs come late, waiting a little longer is heard as nothing, and a gap is heard by everyone.

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

interface Line {
  readonly wait: Wait;
  was: Heard | null;
}

/** Watches each audio slot by itself: one person's bad link makes nobody else late. */
export class Listening {
  readonly #scope = new Scope();
  readonly #receivers: () => readonly RTCRtpReceiver[];
  #lines = new Map<RTCRtpReceiver, Line>();

  constructor(receivers: () => readonly RTCRtpReceiver[]) {
    this.#receivers = receivers;
    this.#later();
  }

  close(): void {
    this.#scope.end();
  }

  #later(): void {
    this.#scope.timeout(() => {
      this.#look().catch(() => {}).finally(() => this.#scope.ended || this.#later());
    }, everyMs);
  }

  async #look(): Promise<void> {
    const lines = new Map<RTCRtpReceiver, Line>();
    for (const receiver of this.#receivers()) {
      const line = this.#lines.get(receiver) ?? { wait: new Wait(), was: null };
      lines.set(receiver, line);
      const is = await heard(receiver);
      const { was } = line;
      line.was = is;
      if (!was || is.total <= was.total) continue;
      const wait = line.wait.next(Math.max(0, is.madeUp - was.madeUp) / (is.total - was.total)) || null;
      const it = receiver as RTCRtpReceiver & { jitterBufferTarget?: number | null };
      if ('jitterBufferTarget' in it && it.jitterBufferTarget !== wait) it.jitterBufferTarget = wait;
    }
    this.#lines = lines;
  }
}

// Notices that the network under a call has changed, as early as a page can tell.

import { Scope } from './emitter.js';

export interface NetworkHost {
  /** Packets that have come on the media transport so far; null while there is none. */
  received(): Promise<number | null>;
  /** The browser says so, or packets have stopped coming. */
  changed(why: string): void;
}

/** What a browser tells of its connection, where it tells (Network Information API). */
interface NetworkInformation extends EventTarget {
  readonly type?: string;
}

export interface NetworkWatchOptions {
  readonly host: NetworkHost;
  /** Given by tests. */
  readonly window?: EventTarget;
  readonly connection?: NetworkInformation;
  readonly pollMs?: number;
}

/** Browsers tell of a lost pair after 5 s and more; a stream of packets that ends tells after half a second. */
const defaultPollMs = 250;
const silentPolls = 2;
/** Only a steady stream can be missed: this many packets in the window before. */
const windowPolls = 8;
const steadyPackets = 16;

export class NetworkWatch {
  readonly #host: NetworkHost;
  readonly #scope = new Scope();
  #before: number | null = null;
  /** Packets that came in each of the last polls, newest last; silent ones are not in it. */
  #came: number[] = [];
  #silent = 0;
  #asking = false;

  constructor({ host, window: target, connection, pollMs = defaultPollMs }: NetworkWatchOptions) {
    this.#host = host;
    const page = target ?? (typeof window === 'undefined' ? undefined : window);
    if (page) this.#scope.listen(page, 'online', () => host.changed('online'));
    const info = connection ?? (typeof navigator === 'undefined' ? undefined : (navigator as { connection?: NetworkInformation }).connection);
    if (info?.addEventListener) {
      let type = info.type;
      this.#scope.listen(info, 'change', () => {
        // It also changes when the browser's guess of the speed does.
        if (info.type === type) return;
        type = info.type;
        if (type !== 'none') host.changed('connection');
      });
    }
    this.#scope.interval(() => void this.#poll(), pollMs);
  }

  close(): void {
    this.#scope.end();
  }

  async #poll(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const now = await this.#host.received().catch(() => null);
    this.#asking = false;
    if (this.#scope.ended) return;
    const came = now === null || this.#before === null ? null : now - this.#before;
    this.#before = now;
    if (came === null || came < 0) { // another transport
      this.#came = [];
      this.#silent = 0;
    } else if (came > 0) {
      this.#came = [...this.#came.slice(1 - windowPolls), came];
      this.#silent = 0;
    } else if (++this.#silent >= silentPolls && this.#came.reduce((sum, n) => sum + n, 0) >= steadyPackets) {
      this.#came = []; // told once; a stream that was steady for a while can be missed again
      this.#host.changed('silence');
    }
  }
}

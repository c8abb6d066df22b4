// The way in, fetched before the click: a room token lives for a minute, so while pre-join is on the screen a fresh
// one is always in memory (and nowhere else), and joining is one round trip.

import { api, type RoomToken } from '../api.js';

/** A token is used only this young, and fetched anew before it gets older: 60 s is the server's limit. */
const FRESH_MS = 45_000;

export type FetchToken = (room: string, jkt: string, signal: AbortSignal) => Promise<RoomToken>;

export interface PassOptions {
  readonly room: string;
  readonly jkt: Promise<string>;
  readonly onFailure: (error: unknown) => void;
  readonly fetchToken?: FetchToken;
  readonly now?: () => number;
  /** Whether the page is on the screen; a hidden page fetches nothing. */
  readonly visible?: () => boolean;
}

export class Pass {
  readonly #options: PassOptions;
  readonly #stop = new AbortController();
  #token: { readonly value: string; readonly at: number } | null = null;
  #fetching: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The person was asked for a second factor and did not give it: only they begin anew. */
  #declined = false;

  constructor(options: PassOptions) {
    this.#options = options;
  }

  start(): void {
    globalThis.document?.addEventListener('visibilitychange', this.refresh, { signal: this.#stop.signal });
    this.refresh();
  }

  /** A fresh token, at once when one is there. It is single use: the next call fetches another. */
  async take(): Promise<string> {
    this.#declined = false;
    if (!this.#fresh()) {
      this.#token = null;
      await this.#fetch();
    }
    const token = this.#token as { readonly value: string } | null;
    this.#token = null;
    if (!token) throw new Error('no token');
    return token.value;
  }

  close(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#token = null;
  }

  readonly refresh = (): void => {
    if (this.#stop.signal.aborted || this.#declined || this.#fresh() || this.#options.visible?.() === false || (!this.#options.visible && globalThis.document?.hidden)) return;
    this.#fetch().catch((error: unknown) => {
      this.#declined = (error as { code?: unknown } | null)?.code === 'second_factor_required';
      if (!this.#stop.signal.aborted) this.#options.onFailure(error);
    });
  };

  #now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  #fresh(): boolean {
    return this.#token !== null && this.#now() - this.#token.at < FRESH_MS;
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => { this.#fetching = null; });
    return this.#fetching;
  }

  async #fetchOnce(): Promise<void> {
    const at = this.#now();
    const fetchToken = this.#options.fetchToken ?? api.roomToken;
    const { token } = await fetchToken(this.#options.room, await this.#options.jkt, this.#stop.signal);
    this.#token = { value: token, at };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.refresh, FRESH_MS);
  }
}

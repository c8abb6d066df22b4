// What screen readers are told. One polite voice, merged so that it never chatters; one assertive for what matters now.

import { signal } from '@preact/signals';
import { t } from '../i18n/index.js';

export const polite = signal('');
export const assertive = signal('');

/** Joins and leaves are merged for this long. */
const MERGE_MS = 5000;
/** Above this many people comings and goings are silent. */
const CROWD = 20;

export class Announcer {
  #joined: string[] = [];
  #left: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  joined(name: string, crowd: number): void {
    if (crowd <= CROWD) this.#add(this.#joined, name);
  }

  left(name: string, crowd: number): void {
    if (crowd <= CROWD) this.#add(this.#left, name);
  }

  say(text: string, alert = false): void {
    (alert ? assertive : polite).value = text;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    polite.value = '';
    assertive.value = '';
  }

  #add(to: string[], name: string): void {
    to.push(name);
    this.#timer ??= setTimeout(() => this.#flush(), this.#joined.length + this.#left.length > 1 ? MERGE_MS : 400);
  }

  #flush(): void {
    const m = t();
    const words = [
      this.#joined.length === 1 ? m.joinedOne(this.#joined[0] ?? '') : this.#joined.length > 1 ? m.joinedMany(this.#joined.length) : '',
      this.#left.length === 1 ? m.leftOne(this.#left[0] ?? '') : this.#left.length > 1 ? m.leftMany(this.#left.length) : '',
    ].filter((one) => one !== '');
    this.#joined = [];
    this.#left = [];
    this.#timer = undefined;
    if (words.length > 0) this.say(words.join('. '));
  }
}

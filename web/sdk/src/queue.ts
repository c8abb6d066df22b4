// One serial queue of named tasks: what must not overlap (offers, answers, moves, resumes) runs one after the other.

import { InCameraError } from './errors.js';

export class Queue {
  readonly #name: string;
  #tail: Promise<unknown> = Promise.resolve();
  #running = '';
  #waiting = 0;
  #closed = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** What runs now, for logs; empty when idle. */
  get running(): string {
    return this.#running;
  }

  get length(): number {
    return this.#waiting + (this.#running === '' ? 0 : 1);
  }

  run<T>(task: string, body: () => Promise<T> | T): Promise<T> {
    this.#waiting++;
    const result = this.#tail.then(async () => {
      this.#waiting--;
      if (this.#closed) throw new InCameraError('closed', `${this.#name}: closed before ${task}`);
      this.#running = task;
      try {
        return await body();
      } finally {
        this.#running = '';
      }
    });
    this.#tail = result.catch(() => {}); // the caller hears of it; the queue goes on
    return result;
  }

  /** Tasks that have not begun are rejected; the running one ends by itself. */
  close(): void {
    this.#closed = true;
  }
}

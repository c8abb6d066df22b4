// When to try again.

import type { ReconnectPolicy } from './types.js';

export interface BackoffOptions {
  readonly firstMs?: number;
  readonly maxMs?: number;
  readonly attempts?: number;
  /** 0 ≤ random() < 1; given by tests. */
  readonly random?: () => number;
}

/**
 * Doubling waits with jitter. The first try comes almost at once (most breaks are a change of network); the whole
 * schedule lasts about as long as a resume ticket stays valid after the last socket (2 min).
 */
export function backoff({ firstMs = 400, maxMs = 10_000, attempts = 20, random = Math.random }: BackoffOptions = {}): ReconnectPolicy {
  return {
    next(attempt) {
      if (attempt > attempts) return null;
      if (attempt <= 1) return Math.round(random() * 200);
      // 2^30 is enough: beyond it the maximum has long been reached.
      const base = Math.min(maxMs, firstMs * 2 ** Math.min(30, attempt - 2));
      return Math.round(base * (0.5 + random() / 2));
    },
  };
}

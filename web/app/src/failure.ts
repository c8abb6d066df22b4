// From anything thrown to a sentence a person can act on.

import { tables, type Language } from './i18n/index.js';
import type { ErrorCode } from './i18n/messages.js';

/** What a screen shows: the sentence's key, and the raw code when no sentence knows it. */
export interface Failure {
  readonly sentence: ErrorCode;
  /** Shown in grey for codes without a sentence of their own; '' otherwise. */
  readonly reference: string;
  readonly code: string;
  readonly retryAfterMs: number;
}

function known(code: string): code is ErrorCode {
  return Object.hasOwn(tables.en.errors, code) && code !== 'unknown';
}

function byStatus(code: string): ErrorCode | null {
  const status = Number(/^http_(\d{3})$/.exec(code)?.[1] ?? 0);
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 429) return 'rate_limited';
  if (status >= 500) return 'unavailable';
  return null;
}

/**
 * Reads an error. `also` gives this screen's better word for a general code: at the door of sign-in, for example,
 * `unauthenticated` means that the password was wrong.
 */
export function failureOf(error: unknown, also: Readonly<Partial<Record<string, ErrorCode>>> = {}): Failure {
  const thrown = error as { code?: unknown; retryAfterMs?: unknown } | null;
  const code = typeof thrown?.code === 'string' ? thrown.code : 'unknown';
  const wait = typeof thrown?.retryAfterMs === 'number' ? thrown.retryAfterMs : 0;
  const better = Object.hasOwn(also, code) ? also[code] : undefined;
  const sentence = better ?? (known(code) ? code : byStatus(code));
  if (sentence === null) return { sentence: 'unknown', reference: code === 'unknown' ? '' : code, code, retryAfterMs: wait };
  return { sentence, reference: '', code, retryAfterMs: wait };
}

export function sentenceIn(language: Language, failure: Failure): string {
  return tables[language].errors[failure.sentence];
}

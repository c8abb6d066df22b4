// Reading untrusted JSON field by field. Keys are checked against the generated types, so a change of the schema
// that this reader does not follow fails to compile. Rules of the proto3 JSON mapping: an absent field is its zero
// value, 64-bit numbers are strings, unknown enum words come from newer servers and get the caller's fallback.

import { InCameraError } from './errors.js';

export type Key<T> = keyof T & string;

export function malformed(where: string): InCameraError {
  return new InCameraError('bad_message', `malformed message: ${where}`);
}

export class Fields<T> {
  readonly #raw: Record<string, unknown>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(where);
    this.#raw = value as Record<string, unknown>;
    this.#where = where;
  }

  #get(key: string): unknown {
    return Object.hasOwn(this.#raw, key) ? (this.#raw[key] ?? undefined) : undefined;
  }

  #path(key: string): string {
    return `${this.#where}.${key}`;
  }

  has(key: Key<T>): boolean {
    return this.#get(key) !== undefined;
  }

  str(key: Key<T>): string {
    const value = this.#get(key);
    if (value === undefined) return '';
    if (typeof value !== 'string') throw malformed(this.#path(key));
    return value;
  }

  /** A string that must be there. */
  id(key: Key<T>): string {
    const value = this.str(key);
    if (value === '') throw malformed(this.#path(key));
    return value;
  }

  bool(key: Key<T>): boolean {
    const value = this.#get(key);
    if (value === undefined) return false;
    if (typeof value !== 'boolean') throw malformed(this.#path(key));
    return value;
  }

  /** A whole number >= 0, written as number or string, exact in a double. */
  num(key: Key<T>): number {
    const value = this.#get(key);
    if (value === undefined) return 0;
    const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) throw malformed(this.#path(key));
    return number;
  }

  word<W extends string, F>(key: Key<T>, table: Readonly<Record<string, W>>, fallback: F): W | F {
    const value = this.#get(key);
    if (value === undefined || typeof value === 'number') return fallback;
    if (typeof value !== 'string') throw malformed(this.#path(key));
    return Object.hasOwn(table, value) ? (table[value] as W) : fallback;
  }

  /** A repeated enum; unknown words are left out. */
  words<W extends string>(key: Key<T>, table: Readonly<Record<string, W>>): W[] {
    return this.#array(key).flatMap((value) =>
      typeof value === 'string' && Object.hasOwn(table, value) ? [table[value] as W] : []);
  }

  /** A repeated text. */
  strs(key: Key<T>): string[] {
    return this.#array(key).map((value, i) => {
      if (typeof value !== 'string') throw malformed(`${this.#path(key)}[${i}]`);
      return value;
    });
  }

  child<C>(key: Key<T>): Fields<C> | null {
    const value = this.#get(key);
    return value === undefined ? null : new Fields<C>(value, this.#path(key));
  }

  list<C, R>(key: Key<T>, read: (item: Fields<C>) => R): R[] {
    return this.#array(key).map((value, i) => read(new Fields<C>(value, `${this.#path(key)}[${i}]`)));
  }

  #array(key: string): unknown[] {
    const value = this.#get(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw malformed(this.#path(key));
    return value;
  }
}

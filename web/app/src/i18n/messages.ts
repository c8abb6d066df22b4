// The shape of the message table, taken from English: a key that another language misses, or a message that takes
// other arguments there, does not compile.

import type { english } from './en.js';
import type { englishErrors } from './en-errors.js';

export type Shape<T> = { readonly [K in keyof T]: T[K] extends (...args: infer A) => string ? (...args: A) => string : string };

export type ErrorSentences = Shape<typeof englishErrors>;
export type ErrorCode = keyof ErrorSentences;
export type Words = Shape<typeof english>;
export interface Messages extends Words {
  readonly errors: ErrorSentences;
}

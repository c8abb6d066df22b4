// The page's words. `t()` is the table of the chosen language; reading it inside a component subscribes to the choice.

import { language } from '../state/prefs.js';
import { en } from './en.js';
import { zh } from './zh.js';
import type { Messages, Shape } from './messages.js';

export type Language = 'en' | 'zh-CN';

export const tables: Readonly<Record<Language, Messages>> = { en, 'zh-CN': zh };

export function t(): Messages {
  return tables[language.value];
}

/** `t` for screens that are loaded when somebody opens them: their words come with them, beside the page's own. */
export function wordsWith<T extends object>(english: T, chinese: Shape<T>): () => Messages & Shape<T> {
  const all: Readonly<Record<Language, Messages & Shape<T>>> = {
    en: { ...tables.en, ...(english as Shape<T>) }, 'zh-CN': { ...tables['zh-CN'], ...chinese },
  };
  return () => all[language.value];
}

/** English dates and numbers in the international order: day before month, 24 hours. */
function locale(): string {
  return language.value === 'en' ? 'en-GB' : language.value;
}

/** Clock time as the guide writes it: 24 hours, by Intl. */
export function clock(ms: number): string {
  return new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);
}

/** The name of a country by its code; '' for none. */
export function country(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? new Intl.DisplayNames(locale(), { type: 'region' }).of(code) ?? code : '';
}

/** The day in words, e.g. "Monday 23 November". */
export function day(ms: number): string {
  return new Intl.DateTimeFormat(locale(), { weekday: 'long', day: 'numeric', month: 'long' }).format(ms);
}

/** Day and time of something that is not of today. */
export function moment(ms: number): string {
  return new Intl.DateTimeFormat(locale(), { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);
}

export function count(n: number): string {
  return new Intl.NumberFormat(locale()).format(n);
}

// What the rules of the place take from a person during the call, in words.

import type { Standing } from '@incamera/sdk';
import { t } from '../i18n/index.js';
import { language } from './prefs.js';

const needs = { mic: 'no_mic', camera: 'no_camera', screen: 'no_screen' } as const;

/** Whether the rules forbid to send something now. */
export function forbids(now: Standing | null, kind: keyof typeof needs): boolean {
  return now !== null && (now.restrictions.includes('listen_only') || now.restrictions.includes(needs[kind]));
}

function list(taken: readonly string[]): string {
  const m = t();
  const words: Readonly<Record<string, string>> = {
    no_mic: m.restrictedMic, no_camera: m.restrictedCamera, no_screen: m.restrictedScreen, no_chat: m.restrictedChat, no_moderation: m.restrictedModeration,
  };
  return new Intl.ListFormat(language.value).format(taken.map((one) => words[one] ?? one));
}

/** What is taken away, and why; '' when nothing is. */
export function standingText(now: Standing | null): string {
  if (!now || now.restrictions.length === 0) return '';
  const m = t();
  const what = now.restrictions.includes('listen_only') ? m.restrictedListen : m.restrictedSome(list(now.restrictions));
  return now.reason === '' ? what : m.because(what, now.reason);
}

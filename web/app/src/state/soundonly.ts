// Whether the connection carries sound only: told calmly, and only when it lasts.

import type { SlotView } from '@incamera/sdk';
import { signal } from '@preact/signals';
import { t } from '../i18n/index.js';
import { onlySound } from './slow.js';
import { dismissTopic, toast } from './toasts.js';

/** Every picture that could be shown is paused, because the connection is too slow. */
export const soundOnly = signal(false);

/** A pause that is over sooner is not worth a word. */
const LASTS_MS = 2000;
let timer: ReturnType<typeof setTimeout> | undefined;

export function followSlots(slots: readonly SlotView[], say: (text: string) => void): void {
  const now = onlySound(slots);
  if (now === soundOnly.value) return;
  soundOnly.value = now;
  clearTimeout(timer);
  if (!now) {
    dismissTopic('sound-only');
    return;
  }
  timer = setTimeout(() => {
    toast({ kind: 'hint', topic: 'sound-only', text: t().soundOnlyHint });
    say(t().soundOnlyHint);
  }, LASTS_MS);
}

export function forgetSlots(): void {
  clearTimeout(timer);
  soundOnly.value = false;
}

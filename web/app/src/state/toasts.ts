// Short messages that leave by themselves, and hints that stay until answered. At most one hint: the newest wins.

import { signal } from '@preact/signals';

export interface Toast {
  readonly id: number;
  readonly kind: 'notice' | 'hint' | 'alert';
  readonly text: string;
  /** Raw code in grey, for errors without a sentence of their own. */
  readonly reference?: string;
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Hints with the same topic replace each other. */
  readonly topic?: string;
}

export const toasts = signal<readonly Toast[]>([]);
let nextId = 1;
const timers = new Map<number, ReturnType<typeof setTimeout>>();

const NOTICE_MS = 6000;
const MOST = 3;

export function toast(message: Omit<Toast, 'id'>): void {
  const id = nextId++;
  const kept = toasts.value.filter((one) => (message.kind === 'hint' ? one.kind !== 'hint' : true) && (message.topic === undefined || one.topic !== message.topic));
  toasts.value = [...kept, { ...message, id }].slice(-MOST);
  if (message.kind !== 'hint') startTimer(id);
}

function startTimer(id: number): void {
  timers.set(id, setTimeout(() => dismiss(id), NOTICE_MS));
}

export function dismiss(id: number): void {
  pause(id);
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

export function dismissTopic(topic: string): void {
  for (const one of toasts.value) if (one.topic === topic) dismiss(one.id);
}

/** While a pointer or the focus is on a notice it stays. */
export function pause(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
}

export function resume(id: number): void {
  if (toasts.value.some((one) => one.id === id && one.kind !== 'hint')) startTimer(id);
}

export function clearToasts(): void {
  for (const one of toasts.value) pause(one.id);
  toasts.value = [];
}

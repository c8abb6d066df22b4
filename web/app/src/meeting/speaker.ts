import { useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { selfId, speaking } from '../state/call.js';

/** A new speaker becomes large only after being heard for this long. */
const HOLD_MS = 1200;

/** The loudest other person, changed calmly. */
export function useSteadySpeaker(): string {
  const steady = useSignal('');
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const candidate = useRef('');
  useSignalEffect(() => {
    const next = speaking.value.find((id) => id !== selfId.value) ?? '';
    if (next === candidate.current) return;
    candidate.current = next;
    clearTimeout(timer.current);
    if (next === '' || next === steady.peek()) return;
    if (steady.peek() === '') steady.value = next;
    else timer.current = setTimeout(() => { steady.value = next; }, HOLD_MS);
  });
  return steady.value;
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** The time of day in milliseconds, renewed when the minute may have changed. */
export function useClock(): number {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => { now.value = Date.now(); }, 5000);
    return () => clearInterval(timer);
  }, []);
  return now.value;
}

import { useEffect, useRef } from 'preact/hooks';
import type { RefObject } from 'preact';

const BUTTONS = 'button:not([disabled])';

/** One Tab stop; the arrows, Home and End move inside. */
export function useToolbar(): { readonly ref: RefObject<HTMLDivElement | null>; readonly onKeyDown: (event: KeyboardEvent) => void; readonly onFocusIn: (event: FocusEvent) => void } {
  const ref = useRef<HTMLDivElement>(null);
  const stops = () => [...(ref.current?.querySelectorAll<HTMLButtonElement>(BUTTONS) ?? [])];
  const settle = (chosen?: HTMLElement) => {
    const all = stops();
    const keep = all.find((one) => one === chosen) ?? all.find((one) => one.tabIndex === 0) ?? all[0];
    for (const one of all) one.tabIndex = one === keep ? 0 : -1;
  };
  useEffect(() => settle());
  return {
    ref,
    onFocusIn: (event) => { if (event.target instanceof HTMLElement) settle(event.target); },
    onKeyDown: (event) => {
      const all = stops();
      const at = all.findIndex((one) => one === document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
      if (to === undefined || at < 0) return;
      event.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    },
  };
}

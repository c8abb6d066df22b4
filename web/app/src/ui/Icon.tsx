import { h } from 'preact';
import { icons, type IconName } from './icons.js';

export interface IconProps {
  readonly name: IconName;
  readonly size?: 'sm' | 'lg';
  readonly class?: string;
}

/** A picture beside a word; never read aloud. */
export function Icon({ name, size, class: extra }: IconProps) {
  const cls = `i${size ? ` i-${size}` : ''}${extra ? ` ${extra}` : ''}`;
  return (
    <svg class={cls} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {icons[name].map(([tag, attributes]) => h(tag, attributes))}
    </svg>
  );
}

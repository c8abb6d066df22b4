import { initials, tint } from './initials.js';

export function Avatar({ name, id, size }: { readonly name: string; readonly id: string; readonly size?: 'sm' | 'lg' }) {
  return <span class={`av pc${tint(id)}${size ? ` av-${size}` : ''}`} aria-hidden="true">{initials(name)}</span>;
}

import type { ComponentChildren } from 'preact';
import { Brand } from './Brand.js';
import { Switches } from './Switches.js';

/** The frame of screens with one message. */
export function Plain({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="lb">
      <header class="row between bar"><Brand /><Switches /></header>
      <main id="main" class="ec">{children}</main>
    </div>
  );
}

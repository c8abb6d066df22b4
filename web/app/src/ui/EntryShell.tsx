import type { ComponentChildren } from 'preact';
import { t } from '../i18n/index.js';
import { Brand } from './Brand.js';
import { Chamber } from './Chamber.js';
import { Switches } from './Switches.js';

/** The two halves of every screen at the door: what to do on the left, what this place is on the right. */
export function EntryShell({ enrol, children }: { readonly enrol?: boolean; readonly children: ComponentChildren }) {
  const m = t();
  return (
    <div class="split">
      <div class="pane">
        <header class="row between"><Brand /><Switches /></header>
        <main id="main">{children}</main>
      </div>
      <aside class="art">
        <Chamber />
        <div>
          <p class="big">{enrol ? m.pitchEnrolTitle : m.pitchTitle}</p>
          <p class="lil">{enrol ? m.pitchEnrolText : m.pitchText}</p>
        </div>
      </aside>
    </div>
  );
}

// What is open and chosen in the meeting's frame; mine alone, never sent.

import { signal } from '@preact/signals';
import type { VideoKind } from '@incamera/sdk';

export type Panel = 'people' | 'chat' | 'host' | 'more';
export type Layout = 'grid' | 'speaker';
export interface Pin {
  readonly participant: string;
  readonly kind: VideoKind;
}

/** At most one panel is open. */
export const panel = signal<Panel | null>(null);
export const layout = signal<Layout>('grid');
export const pin = signal<Pin | null>(null);
export const page = signal(0);

const phoneQuery = matchMedia('(max-width: 720px)');
export const phone = signal(phoneQuery.matches);
phoneQuery.addEventListener('change', (event) => { phone.value = event.matches; });

/** The dock button a panel came from gets the focus back when it closes. */
let opener: HTMLElement | null = null;

export function togglePanel(which: Panel): void {
  if (panel.value === which) {
    closePanel();
    return;
  }
  if (panel.value === null) opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  panel.value = which;
}

export function closePanel(): void {
  if (panel.value === null) return;
  panel.value = null;
  opener?.focus();
  opener = null;
}

export function togglePin(next: Pin): void {
  pin.value = pin.value?.participant === next.participant && pin.value.kind === next.kind ? null : next;
}

export function resetMeetingUi(): void {
  panel.value = null;
  layout.value = 'grid';
  pin.value = null;
  page.value = 0;
  opener = null;
}

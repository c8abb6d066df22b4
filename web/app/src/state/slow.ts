// What the slots say of a slow connection: a pure function.

import type { SlotView } from '@incamera/sdk';

/** Whether something could be shown, and all of it is paused because the connection is too slow. */
export function onlySound(slots: readonly SlotView[]): boolean {
  const pictures = slots.filter((one) => one.type === 'video' && one.participant !== '' && (one.paused === '' || one.paused === 'bandwidth'));
  return pictures.length > 0 && pictures.every((one) => one.paused === 'bandwidth');
}

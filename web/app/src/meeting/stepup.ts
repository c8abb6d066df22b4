// The policy asks for a second factor during the call: the sheet comes up over the meeting, and the server is told.

import type { Room, StepUp } from '@incamera/sdk';
import { useEffect } from 'preact/hooks';
import { askFactor } from '../state/stepup.js';

export function useStepUp(room: Room): void {
  useEffect(() => {
    const ask = (wanted: StepUp) => {
      void askFactor({ acr: wanted.acr, maxAge: Math.floor(wanted.maxAgeMs / 1000) }).then((given) => {
        if (given) return room.confirmFactor().catch(() => {}); // the server looks by itself, a little later
        return undefined;
      });
    };
    const asked = room.standing.stepUp;
    if (asked) ask(asked);
    return room.on('stepUpRequired', ask);
  }, [room]);
}

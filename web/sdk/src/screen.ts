// How a shared screen is sent: what is given up first when the link is thin, and how many pictures a second.

import type { ScreenMode, ScreenSettings } from './types.js';

export const leastFps = 5;
export const mostFps = 30;
const usualFps: Readonly<Record<ScreenMode, number>> = { detail: 15, motion: 30 };
/** The small encoding, for those whose links are thin: half the size and slow, or text would not be readable. */
const smallFps: Readonly<Record<ScreenMode, number>> = { detail: 5, motion: 15 };
export const smallRid = 'h';

export function screenSettings(mode: ScreenMode = 'detail', framesPerSecond?: number): ScreenSettings {
  const fps = Math.round(Number.isFinite(framesPerSecond) ? Number(framesPerSecond) : usualFps[mode]);
  return { mode, framesPerSecond: Math.min(mostFps, Math.max(leastFps, fps)) };
}

/** What the browser is told about the track. Sharing goes on with the old settings where it cannot change them live. */
export async function applyToTrack(track: MediaStreamTrack, { mode, framesPerSecond }: ScreenSettings): Promise<void> {
  track.contentHint = mode;
  await track.applyConstraints?.({ frameRate: { max: framesPerSecond } }).catch(() => {});
}

type Parameters = RTCRtpSendParameters & { degradationPreference?: string };

/** What the encoder is told; true when something changed. No negotiation is needed for any of it. */
export function applyToParameters(parameters: Parameters, { mode, framesPerSecond }: ScreenSettings): boolean {
  let changed = false;
  const preference = mode === 'detail' ? 'maintain-resolution' : 'maintain-framerate';
  if (parameters.degradationPreference !== preference) {
    parameters.degradationPreference = preference;
    changed = true;
  }
  for (const encoding of parameters.encodings ?? []) {
    const fps = encoding.rid === smallRid ? Math.min(framesPerSecond, smallFps[mode]) : framesPerSecond;
    if (encoding.maxFramerate !== fps) {
      encoding.maxFramerate = fps;
      changed = true;
    }
  }
  return changed;
}

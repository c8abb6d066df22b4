// What a picture is encoded into: one encoding of several layers where codec and browser can, else several encodings.

import { smallRid } from './screen.js';
import type { SourceKind, VideoCodec } from './types.js';

export const lowestRid = 'q';
export const highestRid = 'f';

/**
 * Simulcast, lowest layer first. The highest waits until the server says that somebody watches it: encoding it for
 * nobody would cost most of a core in the very moment a person enters. Three temporal layers in each: a receiver
 * whose network gets narrow loses smoothness before it loses detail.
 */
const simulcast: readonly RTCRtpEncodingParameters[] = [
  { rid: lowestRid, scaleResolutionDownBy: 4, maxBitrate: 150_000, maxFramerate: 30 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000, maxFramerate: 30 },
  { rid: highestRid, scaleResolutionDownBy: 1, maxBitrate: 2_500_000, maxFramerate: 30, active: false },
];
/** A small and slow picture for thin links, and the whole one; both from the start, as a screen is shared to be seen. */
const screen: readonly RTCRtpEncodingParameters[] = [
  { rid: smallRid, scaleResolutionDownBy: 2, maxBitrate: 250_000, maxFramerate: 5 },
  { rid: highestRid, scaleResolutionDownBy: 1, maxBitrate: 2_500_000, maxFramerate: 15 },
];
const spatial: readonly ScalableEncoding[] = [{ maxBitrate: 2_500_000, maxFramerate: 30, scalabilityMode: 'L3T3_KEY' }];

export type ScalableEncoding = RTCRtpEncodingParameters & { scalabilityMode?: string };

/** The encodings of a sending line; null: the browser's own. */
export function encodingsOf(kind: SourceKind, codec: VideoCodec, spatialLayers: boolean): readonly ScalableEncoding[] | null {
  if (kind === 'screen') return screen.map((e) => ({ ...e, scalabilityMode: 'L1T1' }));
  if (kind !== 'camera') return null;
  if (spatialLayers && (codec === 'vp9' || codec === 'av1')) return spatial.map((e) => ({ ...e }));
  // One spatial layer per encoding, said outright: else VP9 and AV1 would bring their own layers into a simulcast.
  return simulcast.map((e) => ({ ...e, scalabilityMode: 'L1T3' }));
}

/** Whether the browser makes spatial layers within one encoding: those that do not drop the mode without a word. */
export function hasSpatialLayers(): boolean {
  let pc: RTCPeerConnection | null = null;
  try {
    pc = new RTCPeerConnection();
    const { sender } = pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: [...spatial] });
    return (sender.getParameters().encodings[0] as ScalableEncoding | undefined)?.scalabilityMode === 'L3T3_KEY';
  } catch {
    return false;
  } finally {
    pc?.close();
  }
}

/** The bitrates of one, two and all three spatial layers. */
const upTo = [200_000, 700_000, 2_500_000] as const;

/**
 * Leaves out the spatial layers that nobody watches, without a negotiation. Fewer layers end at the size of the encoding:
 * so that size shrinks with them, and what is left stays what it was. True: the encoding is another now.
 */
export function limitSpatial(encoding: ScalableEncoding, layers: number): boolean {
  if (!/^L\dT3(_KEY)?$/.test(encoding.scalabilityMode ?? '') || (encoding.rid ?? '') !== '') return false;
  const n = Math.min(Math.max(layers === 0 ? upTo.length : layers, 1), upTo.length);
  const scalabilityMode = n === 1 ? 'L1T3' : `L${n}T3_KEY`;
  if (encoding.scalabilityMode === scalabilityMode) return false;
  Object.assign(encoding, { scalabilityMode, scaleResolutionDownBy: 2 ** (upTo.length - n), maxBitrate: upTo[n - 1] });
  return true;
}

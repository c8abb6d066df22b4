// Which codecs the lines of the offer name. The size of the codec list is most of the cost of a join, so each codec
// is offered with one profile; the server matches codecs by parameters.

import type { VideoCodec } from './types.js';

export interface Codec {
  readonly mimeType: string;
  readonly sdpFmtpLine?: string | undefined;
}

function parameters(line: string | undefined): Map<string, string> {
  return new Map((line ?? '').split(';').map((p) => {
    const [name = '', value = ''] = p.split('=');
    return [name.trim().toLowerCase(), value.trim().toLowerCase()];
  }));
}

type Test = (p: Map<string, string>) => boolean;
/** In order of preference. Firefox writes VP9 without profile-id: absent means 0. */
const video: readonly (readonly [mime: string, test: Test])[] = [
  ['video/vp8', () => true],
  ['video/vp9', (p) => (p.get('profile-id') ?? '0') === '0'],
  ['video/h264', (p) => p.get('profile-level-id') === '42e01f' && p.get('packetization-mode') === '1'],
  ['video/av1', (p) => (p.get('profile') ?? '0') === '0'],
];

/**
 * One entry per codec, and retransmission. Empty when nothing fits: then the browser's own list is used. Sound goes as
 * redundant packets where the browser can, unless the frames are opaque: then nobody on the way could take them apart.
 */
export function chooseCodecs<C extends Codec>(kind: 'audio' | 'video', codecs: readonly C[], opaque = false, first: VideoCodec = 'vp8'): C[] {
  if (kind === 'audio') {
    const named = (mime: string) => codecs.filter((c) => c.mimeType.toLowerCase() === mime).slice(0, 1);
    const opus = named('audio/opus');
    return opus.length === 0 || opaque ? opus : [...named('audio/red'), ...opus];
  }
  const chosen = video.flatMap(([mime, fits]) => {
    const found = codecs.find((c) => c.mimeType.toLowerCase() === mime && fits(parameters(c.sdpFmtpLine)));
    return found ? [found] : [];
  });
  if (chosen.length === 0) return [];
  chosen.sort((a, b) => Number(b.mimeType.toLowerCase() === `video/${first}`) - Number(a.mimeType.toLowerCase() === `video/${first}`));
  return [...chosen, ...codecs.filter((c) => c.mimeType.toLowerCase() === 'video/rtx')];
}

export function preferCodecs(transceiver: RTCRtpTransceiver, kind: 'audio' | 'video', sends: boolean, opaque = false, first: VideoCodec = 'vp8'): void {
  if (typeof transceiver.setCodecPreferences !== 'function') return;
  const capabilities = (sends ? RTCRtpSender : RTCRtpReceiver).getCapabilities?.(kind);
  const chosen = chooseCodecs(kind, capabilities?.codecs ?? [], opaque, first);
  if (chosen.length === 0) return;
  try {
    transceiver.setCodecPreferences(chosen);
  } catch {
    // Some versions check a sender's preferences against what the receiver can do; the default list works too.
  }
}

/** The header extensions the server reads or writes; each other one is a line in every section of the offer. */
const extensions: ReadonlySet<string> = new Set([
  'urn:ietf:params:rtp-hdrext:sdes:mid', 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id', 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', 'urn:3gpp:video-orientation',
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
]);

interface Negotiable {
  uri: string;
  direction: string;
}
interface ExtensionControl {
  getHeaderExtensionsToNegotiate?(): Negotiable[];
  setHeaderExtensionsToNegotiate?(wanted: Negotiable[]): void;
}

const dependency = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

/**
 * Leaves out the extensions that nobody uses, where the browser lets pages choose. A slot for video asks for dependency
 * descriptors, which is no default: without them Chromium cannot put AV1's spatial layers together.
 */
export function trimExtensions(transceiver: RTCRtpTransceiver, videoSlot: boolean): void {
  const it = transceiver as RTCRtpTransceiver & ExtensionControl;
  if (!it.getHeaderExtensionsToNegotiate || !it.setHeaderExtensionsToNegotiate) return;
  const wanted = (e: Negotiable) => {
    if (videoSlot && e.uri === dependency) return { ...e, direction: 'recvonly' };
    return e.direction === 'stopped' || extensions.has(e.uri) ? e : { ...e, direction: 'stopped' };
  };
  try {
    it.setHeaderExtensionsToNegotiate(it.getHeaderExtensionsToNegotiate().map(wanted));
  } catch {
    // Some are mandatory in some versions; a longer offer works too.
  }
}

/**
 * The offer as it is sent. Firefox leaves attribute lines of payload types it took out of the m-line, which strict
 * parsers refuse; they go. So do candidates: the server needs none, and they tell addresses. Chromium and Firefox repeat
 * sound that was lost, and Chromium asks for it, but only when the answer says so; they never offer it, so the line is
 * written here.
 */
export function cleanOffer(sdp: string): string {
  let offered: Set<string> | null = null;
  const lines = sdp.split(/\r?\n/).filter((line) => {
    if (line.startsWith('m=')) offered = new Set(line.split(' ').slice(3));
    if (line.startsWith('a=candidate:') || line === 'a=end-of-candidates') return false;
    const type = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line)?.[1];
    return type === undefined || offered === null || offered.has(type);
  }).flatMap((line) => {
    const opus = /^a=rtpmap:(\d+) opus\//.exec(line)?.[1];
    return opus === undefined ? line : [line, `a=rtcp-fb:${opus} nack`];
  });
  return lines.join('\r\n');
}

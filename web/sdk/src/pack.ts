// SDP in few bytes. A session description says nearly the same in each of its sections: plain it is longer than what a
// connection may send before the other side has answered, and the click would wait for one more round trip each way.

import { InCameraError } from './errors.js';

const prefix = 'deflate:';

/** The packed form of an SDP; the text itself where the browser has no packer. */
export async function packSdp(sdp: string): Promise<string> {
  if (sdp === '' || typeof CompressionStream === 'undefined' || typeof DecompressionStream === 'undefined') return sdp;
  const bytes = await through(new TextEncoder().encode(sdp), new CompressionStream('deflate-raw'));
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return prefix + btoa(binary);
}

/** The SDP behind its packed form, or behind none. */
export async function unpackSdp(text: string): Promise<string> {
  if (!text.startsWith(prefix)) return text;
  try {
    const bytes = Uint8Array.from(atob(text.slice(prefix.length)), (c) => c.charCodeAt(0));
    return new TextDecoder().decode(await through(bytes, new DecompressionStream('deflate-raw')));
  } catch (error) {
    throw new InCameraError('bad_message', 'an answer that cannot be unpacked', { cause: error });
  }
}

async function through(bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

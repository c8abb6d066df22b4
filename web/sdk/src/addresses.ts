// The addresses that a connection has gathered for itself.

import type { Scope } from './emitter.js';

/** How long the first address may take: a relay that is asked for one over TLS answers after a few round trips. */
const firstAddressMs = 3000;

/**
 * A browser has none where a policy lets it use nothing but relays (an administrator's, or a privacy extension's), and it
 * was not told of any yet.
 */
export function hasNoAddress(pc: RTCPeerConnection): boolean {
  return pc.iceGatheringState === 'complete' && !/^a=candidate:/m.test(pc.localDescription?.sdp ?? '');
}

/** Resolves with the first address, when no more will come, or when it took too long. */
export async function firstAddress(pc: RTCPeerConnection, scope: Scope): Promise<void> {
  if (/^a=candidate:/m.test(pc.localDescription?.sdp ?? '')) return;
  const ends: (() => void)[] = [];
  await new Promise<void>((resolve) => {
    const look = (event: Event) => {
      if ((event as RTCPeerConnectionIceEvent).candidate?.candidate || pc.iceGatheringState === 'complete') resolve();
    };
    ends.push(scope.listen(pc, 'icecandidate', look), scope.listen(pc, 'icegatheringstatechange', look), scope.timeout(resolve, firstAddressMs), scope.add(resolve));
  });
  for (const end of ends) end();
}

// The way in: everything that can be done before the click is done before the click.

import { InCameraError } from './errors.js';
import type { Room } from './room.js';
import type { AdmittedTicket, ConnectOptions, LobbyOptions, PrepareOptions } from './types.js';

export interface Prepared {
  /** Thumbprint (RFC 7638) of the key made for this visit; tokens and lobby passes are bound to it. */
  readonly jkt: Promise<string>;
  readonly state: 'connecting' | 'ready' | 'closed';
  /** Resolves when the socket is open and the offer is made; connect need not wait for it. */
  readonly ready: Promise<void>;
  /** Enters the meeting. After a rejection it may be called again with a new token. */
  connect(options: ConnectOptions): Promise<Room>;
  /** Waits at the door; resolves when a host admits, then connect({admitted}). Rejects with declined, aborted … */
  waitInLobby(options: LobbyOptions): Promise<AdmittedTicket>;
  /** Preview tracks to send from the first moment; may be called until connect. */
  setTracks(tracks: { mic?: MediaStreamTrack | null; camera?: MediaStreamTrack | null }): Promise<void>;
  /** Frees everything; not needed after a successful connect. Tracks given by the caller are not stopped. */
  close(): void;
}

/** Opens the socket, makes the key and the offer. Never throws: problems reject `ready` and connect. */
export function prepare(_options: PrepareOptions): Prepared {
  throw new InCameraError('unsupported', 'not connected');
}

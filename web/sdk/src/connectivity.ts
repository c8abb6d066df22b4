// Which ways lead from here to the server's media, and why others do not.

import { cleanOffer, preferCodecs, trimExtensions } from './codecs.js';
import { Scope } from './emitter.js';
import { InCameraError } from './errors.js';
import { Socket, socketUrl } from './socket.js';
import type { Logger } from './types.js';

export type PathKind = 'websocket' | 'udp4' | 'udp6' | 'tcp' | 'turn_udp' | 'turn_tcp' | 'turn_tls';
/**
 * '' it works; not_offered: the server has no such way; no_address: this device has none of the kind; blocked: nothing
 * comes back; cut: the connection to the relay is refused, or ended at once; by_name: this browser speaks TLS to a relay by
 * its name only, and this one is known by an address; refused: the relay says no; dead_end: the relay is open, but nothing
 * answers behind it; altered: packets come back, but no encrypted connection can be made; untested: the test itself failed,
 * see `code`.
 */
export type PathWhy = '' | 'not_offered' | 'no_address' | 'blocked' | 'cut' | 'by_name' | 'refused' | 'dead_end' | 'altered' | 'untested';

export interface PathResult {
  readonly kind: PathKind;
  readonly ok: boolean;
  readonly why: PathWhy;
  /** Where it was tried, host:port; '' when nowhere. */
  readonly at: string;
  /** From the beginning to the encrypted connection; null when there was none. */
  readonly connectMs: number | null;
  readonly rttMs: number | null;
  readonly code: string;
}

/** A test transport of a media node: what POST /api/v1/network-test answers. */
export interface TestAnswer {
  readonly answer: string;
  readonly iceServers: readonly { readonly urls: readonly string[]; readonly username: string; readonly credential: string }[];
}

export interface ConnectivityOptions {
  /** The server, as for prepare. */
  readonly url: string;
  /** Gets a test transport for an offer; default: the server's own, for whoever is signed in on this origin. */
  readonly open?: (offer: string) => Promise<TestAnswer>;
  readonly onResult?: (result: PathResult) => void;
  readonly signal?: AbortSignal;
  /** How long one way may take; default 5 s. */
  readonly timeoutMs?: number;
}

export const pathKinds: readonly PathKind[] = ['udp4', 'udp6', 'tcp', 'turn_udp', 'turn_tcp', 'turn_tls', 'websocket'];

const quiet: Logger = { debug() {}, info() {}, warn() {} };
const defaultTimeoutMs = 5000;

/** Tests all ways at once. Rejects only when it is aborted or WebRTC is missing: a way that fails is a result. */
export async function testConnectivity(options: ConnectivityOptions): Promise<readonly PathResult[]> {
  if (typeof RTCPeerConnection === 'undefined') throw new InCameraError('unsupported', 'this browser has no WebRTC');
  const open = options.open ?? ((offer: string) => ask(options.url, offer, options.signal));
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const scope = new Scope();
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(new InCameraError('aborted', 'aborted'));
    if (options.signal?.aborted) stop();
    else if (options.signal) scope.listen(options.signal, 'abort', stop);
  });
  aborted.catch(() => {});
  const tell = (result: PathResult): PathResult => {
    if (!scope.ended) options.onResult?.(result);
    return result;
  };
  // A relay's credential lives with the transport that brought it: the direct tests stay open until all is done.
  const direct = (['udp4', 'udp6', 'tcp'] as const).map((kind) => new Attempt(kind, scope, open, timeoutMs));
  const relays = direct[0]?.servers ?? Promise.resolve([]);
  const work = [
    ...direct.map(async (attempt) => tell(await attempt.run())),
    ...(['turn_udp', 'turn_tcp', 'turn_tls'] as const).map(async (kind) => {
      const server = relayOf(await relays.catch(() => null), kind);
      if (server === 'untested') return tell(failed(kind, 'untested', ''));
      return tell(server === null ? failed(kind, 'not_offered', '') : await new Attempt(kind, scope, open, timeoutMs, server).run());
    }),
    testSocket(options.url, timeoutMs).then(tell),
  ];
  try {
    const results = await Promise.race([Promise.all(work), aborted]);
    return pathKinds.map((kind) => results.find((r) => r.kind === kind) as PathResult);
  } finally {
    scope.end();
  }
}

/** Whether an SDP candidate line belongs to a way. Relays lead to the node's UDP addresses. */
export function candidateOf(line: string, kind: PathKind): boolean {
  const [, , protocol = '', , address = ''] = line.replace(/^a=/, '').split(' ');
  const v6 = address.includes(':');
  if (kind === 'tcp') return protocol.toLowerCase() === 'tcp';
  return protocol.toLowerCase() === 'udp' && (kind === 'udp4' ? !v6 : kind === 'udp6' ? v6 : true);
}

/** Which way a relay's address is. */
export function relayKind(url: string): PathKind | null {
  const match = /^(turns?):[^?]+(?:\?transport=(udp|tcp))?$/.exec(url);
  if (!match) return null;
  if (match[1] === 'turns') return 'turn_tls';
  return match[2] === 'tcp' ? 'turn_tcp' : 'turn_udp';
}

function relayOf(servers: TestAnswer['iceServers'] | null, kind: PathKind): RTCIceServer | 'untested' | null {
  if (servers === null) return 'untested';
  for (const s of servers) {
    const url = s.urls.find((u) => relayKind(u) === kind);
    if (url) return { urls: url, username: s.username, credential: s.credential };
  }
  return null;
}

function failed(kind: PathKind, why: PathWhy, at: string, code = ''): PathResult {
  return { kind, ok: false, why, at, connectMs: null, rttMs: null, code };
}

/** What was seen of a way that does not connect. */
export interface Trace {
  /** This device got an address: on a relay, or of the family. */
  address: boolean;
  /** The browser told of an error of the relay. */
  error: boolean;
  /** The relay itself answered with one. */
  refused: boolean;
  /** The browser has given up getting more addresses. */
  gathered: boolean;
  /** Checks came through. */
  checked: boolean;
}

/** Host and port of a relay, or of a candidate, without the port. */
export function hostOf(at: string): string {
  return at.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

const isAddress = (host: string) => host.includes(':') || /^\d+(\.\d+){3}$/.test(host);

/** Why a way does not connect. */
export function whyNot(kind: PathKind, at: string, seen: Trace): PathWhy {
  if (seen.checked) return 'altered';
  if (!kind.startsWith('turn_')) return kind === 'udp6' && !seen.address ? 'no_address' : 'blocked';
  if (seen.refused) return 'refused';
  if (seen.address) return 'dead_end';
  if (!seen.gathered) return 'blocked';
  // Firefox makes no connection at all then, and tells of no error.
  return kind === 'turn_tls' && !seen.error && isAddress(hostOf(at)) ? 'by_name' : 'cut';
}

/** One PeerConnection that may use one way only. */
class Attempt {
  /** Relays that came with the answer. */
  readonly servers: Promise<TestAnswer['iceServers']>;
  #servers: (s: TestAnswer['iceServers']) => void = () => {};
  #noServers: (error: unknown) => void = () => {};

  constructor(
    readonly kind: PathKind, readonly scope: Scope, readonly open: (offer: string) => Promise<TestAnswer>,
    readonly timeoutMs: number, readonly relay?: RTCIceServer,
  ) {
    this.servers = new Promise((resolve, reject) => {
      this.#servers = resolve;
      this.#noServers = reject;
    });
    this.servers.catch(() => {});
  }

  async run(): Promise<PathResult> {
    let at = this.relay ? String(this.relay.urls).replace(/^turns?:|\?.*$/g, '') : '';
    try {
      const config: RTCConfiguration = { bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' };
      const pc = new RTCPeerConnection(this.relay ? { ...config, iceServers: [this.relay], iceTransportPolicy: 'relay' } : config);
      this.scope.add(() => pc.close());
      const seen: Trace = { address: false, error: false, refused: false, gathered: false, checked: false };
      this.scope.listen(pc, 'icecandidate', (event) => {
        const c = (event as RTCPeerConnectionIceEvent).candidate;
        if (c?.address && (this.kind !== 'udp6' || c.address.includes(':'))) seen.address = true;
      });
      this.scope.listen(pc, 'icecandidateerror', (event) => {
        const { errorCode } = event as RTCPeerConnectionIceErrorEvent;
        seen.error = true;
        seen.refused ||= errorCode >= 300 && errorCode < 600;
      });
      const line = pc.addTransceiver('audio', { direction: 'recvonly' });
      preferCodecs(line, 'audio', false);
      trimExtensions(line, false);
      const offer = await pc.createOffer();
      await pc.setLocalDescription(offer);
      const answer = await this.open(cleanOffer(offer.sdp ?? ''));
      this.#servers(answer.iceServers);
      const begun = performance.now();
      const lines = answer.answer.split('\r\n');
      const candidates = lines.filter((l) => l.startsWith('a=candidate:') && candidateOf(l, this.kind));
      if (candidates.length === 0) return failed(this.kind, 'not_offered', at);
      const [, , , , address = '', port = ''] = (candidates[0] ?? '').split(' ');
      at ||= address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
      const sdp = lines.filter((l) => !l.startsWith('a=candidate:') || candidates.includes(l)).join('\r\n');
      await pc.setRemoteDescription({ type: 'answer', sdp });
      if (await this.#connects(pc, seen)) {
        return { kind: this.kind, ok: true, why: '', at, connectMs: Math.round(performance.now() - begun), rttMs: await roundTrip(pc), code: '' };
      }
      seen.gathered = pc.iceGatheringState === 'complete';
      seen.checked = ['connected', 'completed'].includes(pc.iceConnectionState);
      return failed(this.kind, whyNot(this.kind, at, seen), at);
    } catch (thrown) {
      this.#noServers(thrown);
      return failed(this.kind, 'untested', at, InCameraError.from(thrown, 'media_failed').code);
    }
  }

  #connects(pc: RTCPeerConnection, seen: Trace): Promise<boolean> {
    return new Promise((resolve) => {
      const look = () => {
        if (pc.connectionState === 'connected') resolve(true);
        else if (pc.connectionState === 'failed' || pc.connectionState === 'closed') resolve(false);
        else if (this.relay && pc.iceGatheringState === 'complete' && !seen.address) resolve(false); // there is nothing to check from
      };
      this.scope.listen(pc, 'connectionstatechange', look);
      this.scope.listen(pc, 'icegatheringstatechange', look);
      this.scope.timeout(() => resolve(pc.connectionState === 'connected'), this.timeoutMs);
      this.scope.add(() => resolve(false));
      look();
    });
  }
}

/** Of the STUN checks on the pair in use, in milliseconds. */
async function roundTrip(pc: RTCPeerConnection): Promise<number | null> {
  let best: number | null = null;
  for (const s of (await pc.getStats()).values() as Iterable<{ type: string; state?: string; currentRoundTripTime?: number }>) {
    if (s.type === 'candidate-pair' && s.state === 'succeeded' && s.currentRoundTripTime !== undefined) {
      best = Math.min(best ?? Infinity, s.currentRoundTripTime * 1000);
    }
  }
  return best === null ? null : Math.round(best);
}

async function testSocket(url: string, timeoutMs: number): Promise<PathResult> {
  const begun = performance.now();
  const at = new URL(url).host;
  try {
    const socket = await Socket.open({ url: socketUrl(url), client: 'connectivity', logger: quiet, openTimeoutMs: timeoutMs });
    socket.close();
    return { kind: 'websocket', ok: true, why: '', at, connectMs: Math.round(performance.now() - begun), rttMs: null, code: '' };
  } catch (thrown) {
    return failed('websocket', 'blocked', at, InCameraError.from(thrown, 'network').code);
  }
}

async function ask(url: string, offer: string, signal?: AbortSignal): Promise<TestAnswer> {
  const response = await fetch(`${url.replace(/\/+$/, '')}/api/v1/network-test`, {
    method: 'POST', credentials: 'same-origin', cache: 'no-store', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ offer }), ...(signal && { signal }),
  }).catch((error: unknown) => { throw InCameraError.from(error, 'network'); });
  const body = (await response.json().catch(() => ({}))) as {
    answer?: string; ice_servers?: { urls?: string[]; username?: string; credential?: string }[]; error?: { code?: string; message?: string };
  };
  if (!response.ok || typeof body.answer !== 'string') {
    throw new InCameraError(body.error?.code ?? `http_${response.status}`, body.error?.message ?? 'no test transport');
  }
  const iceServers = (body.ice_servers ?? []).map((s) => ({ urls: s.urls ?? [], username: s.username ?? '', credential: s.credential ?? '' }));
  return { answer: body.answer, iceServers };
}

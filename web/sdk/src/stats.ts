// Browser statistics in the words of the meeting: sources and slots, not ids of reports.

import type { SlotPool } from './slots.js';
import type { Transport } from './transport.js';
import type { CallStats, ReceivedStats, SentStats, SourceKind } from './types.js';

type Report = Readonly<Record<string, unknown>>;

function num(report: Report | undefined, key: string): number {
  const value = report?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function maybe(report: Report | undefined, key: string): number | null {
  return typeof report?.[key] === 'number' ? num(report, key) : null;
}

function str(report: Report | undefined, key: string): string {
  const value = report?.[key];
  return typeof value === 'string' ? value : '';
}

export async function callStats(transport: Transport, pool: SlotPool, negotiations: number): Promise<CallStats> {
  const all = new Map<string, Report>();
  (await transport.stats()).forEach((report: Report, id) => all.set(id, report));
  const of = (type: string) => [...all.values()].filter((r) => r['type'] === type);
  const codec = (r: Report) => str(all.get(str(r, 'codecId')), 'mimeType').replace(/^.*\//, '');
  const pipe = of('transport')[0];
  const pair = all.get(str(pipe, 'selectedCandidatePairId'))
    ?? of('candidate-pair').find((r) => r['selected'] === true || r['nominated'] === true);
  const rtt = maybe(pair, 'currentRoundTripTime');
  const outgoing = maybe(pair, 'availableOutgoingBitrate');
  return {
    atMs: Date.now(),
    placement: transport.placement,
    transport: {
      state: transport.state,
      dtlsCipher: str(pipe, 'dtlsCipher'), srtpCipher: str(pipe, 'srtpCipher'), tlsVersion: str(pipe, 'tlsVersion'),
      rttMs: rtt === null ? null : rtt * 1000,
      availableOutgoingKbps: outgoing === null ? null : outgoing / 1000,
      bytesSent: num(pipe, 'bytesSent') || num(pair, 'bytesSent'),
      bytesReceived: num(pipe, 'bytesReceived') || num(pair, 'bytesReceived'),
      negotiations,
    },
    sent: of('outbound-rtp').flatMap((r) => sentStats(r, codec(r), kindsByMid(transport)) ?? []),
    received: of('inbound-rtp').flatMap((r) => receivedStats(r, codec(r), transport, pool) ?? [])
      .sort((a, b) => a.slot - b.slot),
  };
}

function kindsByMid(transport: Transport): Map<string, SourceKind> {
  return new Map((Object.entries(transport.senders) as [SourceKind, RTCRtpSender][])
    .map(([kind, sender]) => [transport.midOf(sender) ?? '', kind]));
}

function sentStats(r: Report, codec: string, kinds: Map<string, SourceKind>): SentStats | null {
  const kind = kinds.get(str(r, 'mid'));
  if (!kind) return null;
  return {
    kind, codec, rid: str(r, 'rid'), active: r['active'] !== false,
    bytes: num(r, 'bytesSent'), packets: num(r, 'packetsSent'), framesEncoded: num(r, 'framesEncoded'),
    width: num(r, 'frameWidth'), height: num(r, 'frameHeight'), framesPerSecond: num(r, 'framesPerSecond'),
    retransmitted: num(r, 'retransmittedPacketsSent'), limitation: str(r, 'qualityLimitationReason'),
  };
}

function receivedStats(r: Report, codec: string, transport: Transport, pool: SlotPool): ReceivedStats | null {
  const slot = transport.slotOfMid(str(r, 'mid'));
  if (slot === null) return null;
  const occupant = pool.occupant(slot);
  const emitted = num(r, 'jitterBufferEmittedCount');
  return {
    slot, codec, type: r['kind'] === 'audio' ? 'audio' : 'video',
    participant: occupant?.participant ?? '', kind: occupant?.kind ?? null,
    bytes: num(r, 'bytesReceived'), packets: num(r, 'packetsReceived'), lost: num(r, 'packetsLost'),
    jitterMs: num(r, 'jitter') * 1000,
    jitterBufferMs: emitted === 0 ? 0 : (num(r, 'jitterBufferDelay') / emitted) * 1000,
    framesDecoded: num(r, 'framesDecoded'), framesDropped: num(r, 'framesDropped'), freezes: num(r, 'freezeCount'),
    width: num(r, 'frameWidth'), height: num(r, 'frameHeight'), framesPerSecond: num(r, 'framesPerSecond'),
    audioEnergy: num(r, 'totalAudioEnergy'), audioLevel: num(r, 'audioLevel'),
    concealedSamples: num(r, 'concealedSamples'), totalSamples: num(r, 'totalSamplesReceived'),
  };
}

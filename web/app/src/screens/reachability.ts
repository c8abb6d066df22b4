// What the results of the network test mean, in words for the person and for whoever runs their network or the server.

import type { PathKind, PathResult } from '@incamera/sdk';
import { failureOf } from '../failure.js';
import type { t } from '../i18n/network.js';

export type Words = ReturnType<typeof t>;
export type Results = ReadonlyMap<PathKind, PathResult>;

/** In the order in which a meeting takes them when the direct way does not lead. */
const others = ['tcp', 'turn_udp', 'turn_tcp', 'turn_tls'] as const;

/** What all results mean for a meeting. */
export function verdict(results: Results): 'good' | 'fallback' | 'socket' | 'none' | 'no_node' | 'untested' {
  const ok = (kind: PathKind) => results.get(kind)?.ok === true;
  if (ok('udp4') || ok('udp6')) return 'good';
  if (others.some(ok)) return 'fallback';
  const untested = [...results.values()].filter((r) => r.why === 'untested');
  if (untested.some((r) => r.code === 'unavailable')) return 'no_node';
  if (untested.length > 0) return 'untested';
  return ok('websocket') ? 'socket' : 'none';
}

export function summary(m: Words, results: Results): string {
  switch (verdict(results)) {
    case 'good': return m.networkGood;
    case 'fallback': return m.networkFallback(m[`path_${others.find((kind) => results.get(kind)?.ok) ?? 'tcp'}`]);
    case 'socket': return m.networkSocketOnly;
    case 'none': return m.networkNone;
    case 'no_node': return m.networkNoNode;
    default: {
      const code = [...results.values()].find((r) => r.why === 'untested')?.code ?? '';
      return `${m.networkUntested} ${m.errors[failureOf({ code }).sentence]}`;
    }
  }
}

/** Addresses of networks that are somebody's own: from outside they lead nowhere. */
function isInner(at: string): boolean {
  return /^(10|127|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(at) || /^\[(f[cd]|fe[89ab]|::1\])/i.test(at);
}

export function explain(m: Words, r: PathResult, results: Results): string {
  if (r.ok) return (r.connectMs === null ? m.pathWorks : m.pathWorksIn(r.connectMs)) + (r.rttMs === null ? '' : m.pathRound(r.rttMs));
  switch (r.why) {
    case 'not_offered': return m.why_not_offered;
    case 'no_address': return m.why_no_address;
    case 'cut': return r.kind === 'turn_tls' ? m.why_cut_tls(r.at) : m.why_cut(r.at);
    case 'by_name': return m.why_by_name(r.at);
    case 'refused': return m.why_refused(r.at);
    case 'dead_end': return m.why_dead_end(r.at);
    case 'altered': return m.why_altered(r.at);
    case 'untested': return r.code === 'unavailable' ? m.why_no_node : m.why_untested;
    default:
      if (r.kind === 'websocket') return m.why_socket(r.at);
      // A wrong address looks the same as a firewall; where nothing leads to the server's media, it is worth saying so.
      return ['socket', 'none'].includes(verdict(results)) && isInner(r.at) ? m.why_inner(r.at) : m.why_blocked(r.at);
  }
}

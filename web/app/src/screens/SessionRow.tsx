import type { WebSession } from '../api.js';
import { t } from '../i18n/account.js';
import { moment } from '../i18n/index.js';
import { sameNetwork } from '../ui/address.js';
import { Button } from '../ui/Button.js';
import { Icon } from '../ui/Icon.js';

export interface SessionRowProps {
  readonly of: WebSession;
  /** The address of the sign-in that the page itself is. */
  readonly here: string;
  readonly onEnd: () => void;
}

/** One of one's own sign-ins, named by browser and system, and by its network. */
export function SessionRow({ of, here, onEnd }: SessionRowProps) {
  const m = t();
  const how = !of.signed_in ? m.sessionPending : of.assurance === 'phishing_resistant' ? m.sessionPasskey : m.sessionFactor;
  return (
    <li class="person" data-testid="session" data-current={of.current}>
      <Icon name={/iPhone|Android|Mobile/.test(of.agent) ? 'smartphone' : 'monitor'} />
      <div class="grow">
        <div class="nm clip" title={of.agent}>{browserName(of.agent) || m.unknownBrowser}</div>
        <div class="xs quiet">{of.address}{!of.current && sameNetwork(of.address, here) && ` (${m.sameNetwork})`} · {m.sessionSince(moment(of.created_at_ms))} · {how}</div>
      </div>
      {of.current ? <span class="tag tag-safe">{m.thisOne}</span> : <Button kind="quiet-danger" testid="session-end" onClick={onEnd}>{m.endSession}</Button>}
    </li>
  );
}

/** "Chrome · Windows": what a person knows of a user agent string. */
export function browserName(agent: string): string {
  const browser = /Edg|OPR|Firefox|Chromium|Chrome|Safari/.exec(agent.replace(/(Chrome|Safari)\/\S+(?=.*(Edg|OPR)\/)/g, ''))?.[0] ?? '';
  const system = /iPhone|iPad|Android|Windows|Mac|CrOS|Linux/.exec(agent)?.[0] ?? '';
  const plain: Readonly<Record<string, string>> = { Edg: 'Edge', OPR: 'Opera', Mac: 'macOS', CrOS: 'ChromeOS' };
  return [browser, system].filter((one) => one !== '').map((one) => plain[one] ?? one).join(' · ');
}

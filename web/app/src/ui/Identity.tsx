import type { Assurance } from '@incamera/sdk';
import { t } from '../i18n/index.js';
import { Icon } from './Icon.js';

export const identityIcon = { guest: 'guest', mfa: 'shield-check', phishing_resistant: 'seal', stream_key: 'video' } as const satisfies Record<Assurance, string>;

/** How somebody proved who they are: filled seal, shield outline, dashed ring, a camera for a device; each with its word. */
export function Identity({ assurance }: { readonly assurance: Assurance }) {
  const m = t();
  const word = { guest: m.identityGuest, mfa: m.identityMfa, phishing_resistant: m.identityPasskey, stream_key: m.identityStream }[assurance];
  const cls = { guest: ' id-guest', mfa: ' id-mfa', phishing_resistant: '', stream_key: ' id-guest' }[assurance];
  return <span class={`id${cls}`}><Icon name={identityIcon[assurance]} />{word}</span>;
}

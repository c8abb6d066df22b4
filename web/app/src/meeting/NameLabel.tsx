import type { Participant, VideoKind } from '@incamera/sdk';
import { t } from '../i18n/index.js';
import { Icon } from '../ui/Icon.js';
import { identityIcon } from '../ui/Identity.js';

const look = { guest: 'gu', mfa: 'mf', phishing_resistant: 'pk', stream_key: 'gu' } as const;

export interface NameLabelProps {
  readonly person: Participant;
  readonly own: boolean;
  readonly kind: VideoKind;
  readonly muted: boolean;
}

/** Badge and name over the picture. A guest always carries the word. */
export function NameLabel({ person, own, kind, muted }: NameLabelProps) {
  const m = t();
  const read = { guest: m.readGuest, mfa: m.readMfa, phishing_resistant: m.readPasskey, stream_key: m.readStream }[person.assurance];
  if (kind === 'screen') {
    return <div class="who"><Icon name="presentation" /><span class="nm">{own ? m.youShare : m.sharesScreen(person.name)}</span></div>;
  }
  return (
    <div class="who">
      {!own && <Icon name={identityIcon[person.assurance]} class={look[person.assurance]} />}
      <span class="nm">{own ? m.you : person.name}</span>
      {!own && person.assurance === 'guest' && <span class="g">{m.guest}</span>}
      <span class="vh">{own ? '' : `, ${read}`}{muted ? `, ${m.mutedWord}` : ''}</span>
    </div>
  );
}

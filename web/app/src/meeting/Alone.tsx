import { useLayoutEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.js';
import type { Box } from '../layout/pack.js';
import { state } from '../state/call.js';
import { phone } from '../state/meetingui.js';
import { Button } from '../ui/Button.js';
import { copyText } from '../ui/clipboard.js';
import { invitationLink } from '../ui/invitation.js';

/** Nobody else yet: the invitation, ready to send, beside the own picture. */
export function Alone({ box }: { readonly box: Box | undefined }) {
  const m = t();
  const card = useRef<HTMLDivElement>(null);
  const copied = useSignal(false);
  const link = invitationLink(state.value?.room ?? '');
  useLayoutEffect(() => {
    if (!box) return;
    const style = card.current?.style;
    style?.setProperty('left', phone.value ? '0px' : `${box.x + box.width + 24}px`);
    style?.setProperty('top', phone.value ? `${box.y + box.height + 12}px` : '0px');
  });
  return (
    <div class="alone" ref={card}>
      <div class="card pad stack">
        <h2 class="small-title">{m.aloneTitle}</h2>
        <p class="sm muted">{m.aloneText}</p>
        <p class="mono sm wrap-anywhere well" data-testid="room-link" data-href={link}>{link}</p>
        <Button kind="primary" size="lg" icon={copied.value ? 'check' : 'copy'} onClick={() => void copyText(m.invitationText(state.value?.title ?? '', link)).then((ok) => { copied.value = ok; })}>
          {copied.value ? m.copied : m.copyInvitation}
        </Button>
      </div>
    </div>
  );
}

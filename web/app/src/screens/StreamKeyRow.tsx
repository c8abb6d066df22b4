import { useSignal } from '@preact/signals';
import type { StreamKey } from '../api.js';
import { t } from '../i18n/streams.js';
import { moment } from '../i18n/index.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { Icon } from '../ui/Icon.js';

export function StreamKeyRow({ of, onRevoke }: { readonly of: StreamKey; readonly onRevoke: () => void }) {
  const m = t();
  const asking = useSignal(false);
  return (
    <li class="person" data-testid="stream-key">
      <Icon name={of.mode === 'publish' ? 'video' : 'presentation'} />
      <div class="grow stack-2">
        <div class="nm clip">{of.label}</div>
        <div class="xs quiet">
          {of.mode === 'publish' ? m.streamPublish : m.streamPlay} · {m.streamUntil(moment(of.expires_at_ms))} · {of.used_at_ms ? m.streamUsed(moment(of.used_at_ms)) : m.streamUnused}
        </div>
      </div>
      <Button kind="quiet-danger" testid="stream-revoke" onClick={() => { asking.value = true; }}>{m.streamRevoke}</Button>
      {asking.value && (
        <Confirm text={m.streamRevokeAsk(of.label)} action={m.streamRevoke} onNo={() => { asking.value = false; }}
          onYes={() => { asking.value = false; onRevoke(); }} />
      )}
    </li>
  );
}

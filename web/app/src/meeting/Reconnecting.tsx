import { t } from '../i18n/index.js';

export function Reconnecting() {
  const m = t();
  return (
    <div class="recon" role="alert" data-testid="reconnecting">
      <span class="spin" aria-hidden="true" />
      <div><div class="sm strong">{m.reconnecting}</div><div class="xs over-quiet">{m.reconnectingText}</div></div>
    </div>
  );
}

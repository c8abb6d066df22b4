import type { Missing } from '@incamera/sdk';
import { t } from '../i18n/index.js';
import { Icon } from '../ui/Icon.js';
import { Plain } from '../ui/Plain.js';

/** Names what the browser lacks, before anything fails without words. */
export function Unsupported({ missing }: { readonly missing: readonly Missing[] }) {
  const m = t();
  const words: Readonly<Partial<Record<string, string>>> = {
    secure_context: m.missing_secure_context, webcrypto: m.missing_webcrypto, websocket: m.missing_websocket,
    webrtc: m.missing_webrtc, transceivers: m.missing_transceivers,
  };
  return (
    <Plain>
      <div class="stack-2"><h1>{m.unsupportedTitle}</h1><p class="muted">{m.unsupportedText}</p></div>
      <ul class="card pad stack" data-testid="missing">
        {missing.map((one) => (
          <li class="row top" key={one.code} data-code={one.code}><Icon name="circle-alert" /><span>{words[one.code] ?? m.missing_other}</span></li>
        ))}
      </ul>
    </Plain>
  );
}

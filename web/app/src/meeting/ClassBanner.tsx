import { t } from '../i18n/index.js';
import { marked, state } from '../state/call.js';
import { Bars, className } from '../ui/ClassChip.js';
import { roomClass } from '../ui/roomclass.js';

/** What kind of room this is, always on top. */
export function ClassBanner() {
  const m = t();
  const { kind, level } = roomClass(state.value?.roomClass ?? '');
  const text = { open: m.classOpenText, internal: m.classInternalText, confidential: m.classConfidentialText, secret: m.classSecretText }[kind];
  return (
    <div class={`banner banner-${kind}`}>
      <Bars level={level} />
      <strong>{className(kind)}</strong>
      <span class="sep" aria-hidden="true">·</span>
      <span class="rules clip">{marked.value ? `${text} · ${m.classMarked}` : text}</span>
    </div>
  );
}

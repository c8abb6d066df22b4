import type { Connection } from '@incamera/sdk';
import { t } from '../i18n/index.js';
import { connection } from '../state/call.js';
import { soundOnly } from '../state/soundonly.js';

/** The connection in words; the bars go along. */
export function ConnectionWords() {
  const { bars, words } = read(connection.value, soundOnly.value);
  return (
    <span class="row sm muted conn" data-testid="connection">
      <span class={`q q${bars}`} aria-hidden="true"><b /><b /><b /><b /></span>
      <span>{words}</span>
    </span>
  );
}

function read(now: Connection | null, slow: boolean): { readonly bars: 0 | 1 | 2 | 4; readonly words: string } {
  const m = t();
  if (!now) return { bars: 0, words: m.connecting };
  if (now.signaling === 'reconnecting') return { bars: 0, words: m.noConnection };
  switch (now.media) {
    case 'connected': return slow ? { bars: 1, words: m.soundOnly } : { bars: 4, words: m.good };
    case 'moving': return { bars: 4, words: m.movingWord };
    case 'connecting': return { bars: 2, words: m.connecting };
    case 'lost':
    case 'closed': return { bars: 0, words: m.mediaLost };
  }
}

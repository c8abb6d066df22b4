import { useEffect } from 'preact/hooks';
import { grants, media, leave, self, setCamera, setHand, setMic, share } from '../state/call.js';
import { closePanel, layout, togglePanel } from '../state/meetingui.js';

const TYPING = 'input, textarea, select, [contenteditable="true"], dialog *';

/** The meeting's keys. They sleep while somebody types, and never take a browser's own shortcut. */
function onKey(event: KeyboardEvent): void {
  const target = event.target instanceof Element ? event.target : null;
  if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
    closePanel();
    return;
  }
  if (event.ctrlKey && event.shiftKey && event.code === 'KeyL') {
    event.preventDefault();
    leave();
    return;
  }
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || target?.closest(TYPING)) return;
  const may = grants.value;
  switch (event.key.toLowerCase()) {
    case 'm': if (may?.publish.includes('mic')) setMic(!(media.value?.mic.on ?? false)); break;
    case 'v': if (may?.publish.includes('camera')) setCamera(!(media.value?.camera.on ?? false)); break;
    case 's': if (may?.publish.includes('screen')) share(!(media.value?.screen.on ?? false)); break;
    case 'h': setHand(!(self.value?.hand ?? false)); break;
    case 'p': togglePanel('people'); break;
    case 'c': togglePanel('chat'); break;
    case 'g': layout.value = layout.value === 'grid' ? 'speaker' : 'grid'; break;
    default: return;
  }
  event.preventDefault();
}

export function useMeetingKeys(): void {
  useEffect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

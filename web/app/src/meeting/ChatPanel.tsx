import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { attempt, chat, grants, pending } from '../state/call.js';
import { Button } from '../ui/Button.js';
import { Icon } from '../ui/Icon.js';
import { ChatLine } from './ChatLine.js';
import { PanelFrame } from './PanelFrame.js';

const MOST_CHARACTERS = 4000;
/** Closer than this to the end, new messages scroll into view. */
const NEAR_END_PX = 80;

export function ChatPanel() {
  const m = t();
  const draft = useSignal('');
  const body = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const lines = chat.value;
  const may = grants.value?.chat !== false;

  useEffect(() => {
    const element = body.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [lines.length]);

  const send = async () => {
    const text = draft.value.trim();
    if (text === '') return;
    atEnd.current = true;
    if (await attempt('chat', (room) => room.sendChat(text))) draft.value = '';
  };

  const footer = may ? (
    <form class="row" onSubmit={(event) => { event.preventDefault(); void send(); }}>
      <label class="vh" for="chat-text">{m.chatPlaceholder}</label>
      <input class="input input-sm grow" id="chat-text" data-testid="chat-input" placeholder={m.chatPlaceholder} autocomplete="off" maxLength={MOST_CHARACTERS} value={draft.value}
        onInput={(event) => { draft.value = event.currentTarget.value; }} />
      <Button kind="primary" icon="send" type="submit" label={m.chatSend} testid="chat-send" disabled={pending.value.has('chat')} />
    </form>
  ) : <p class="sm muted">{m.chatForbidden}</p>;

  return (
    <PanelFrame name="chat" title={m.chatPanel} footer={footer}>
      <div class="body" ref={body} tabIndex={0} aria-label={m.chatPanel} role="region"
        onScroll={(event) => {
          const element = event.currentTarget;
          atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX;
        }}>
        <div class="note note-plain chat-note"><Icon name="users" /><span>{m.chatNote}</span></div>
        {lines.length === 0 && <p class="sm muted none">{m.chatEmpty}</p>}
        <ul class="msgs" aria-live="polite">
          {lines.map((line, index) => <ChatLine key={line.id} line={line} before={lines[index - 1]} />)}
        </ul>
      </div>
    </PanelFrame>
  );
}

import type { ChatMessage } from '@incamera/sdk';
import { clock } from '../i18n/index.js';
import { selfId } from '../state/call.js';
import { Avatar } from '../ui/Avatar.js';

/** Messages of one person within this time stand under one name. */
const TOGETHER_MS = 3 * 60_000;

export function ChatLine({ line, before }: { readonly line: ChatMessage; readonly before: ChatMessage | undefined }) {
  const mine = line.participant === selfId.value;
  const goesOn = before?.participant === line.participant && line.atMs - before.atMs < TOGETHER_MS;
  return (
    <li class={`msg${mine ? ' mine' : ''}${goesOn ? ' on' : ''}`} data-testid="chat-message" data-participant={line.participant}>
      {!mine && (goesOn ? <span /> : <Avatar name={line.name} id={line.participant} size="sm" />)}
      <div>
        {!mine && !goesOn && <div class="xs quiet"><span class="strong">{line.name}</span> <span class="num">{clock(line.atMs)}</span></div>}
        <div class="bub" title={clock(line.atMs)}>{line.text}</div>
      </div>
    </li>
  );
}

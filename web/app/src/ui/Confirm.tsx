import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { Button } from './Button.js';

export interface ConfirmProps {
  /** Names what will happen, with the object's own name. */
  readonly text: string;
  readonly action: string;
  readonly onYes: () => void;
  readonly onNo: () => void;
}

/** One question before something that cannot be undone. The browser's dialog traps focus and closes on Esc. */
export function Confirm({ text, action, onYes, onNo }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => { dialog.current?.showModal(); }, []);
  return (
    <dialog ref={dialog} class="ask" aria-label={text} onCancel={(event) => { event.preventDefault(); onNo(); }}
      onKeyDown={(event) => event.stopPropagation()}>
      <p>{text}</p>
      <div class="row">
        <Button kind="danger" grow testid="confirm-yes" onClick={onYes}>{action}</Button>
        <Button grow testid="confirm-no" onClick={onNo}>{t().cancel}</Button>
      </div>
    </dialog>
  );
}

import { useSignal } from '@preact/signals';
import { t } from '../i18n/account.js';
import { Button } from '../ui/Button.js';
import { Steps } from '../ui/Steps.js';
import { copyText } from '../ui/clipboard.js';

export interface RecoveryCodesProps {
  readonly codes: readonly string[];
  readonly steps: 0 | 2 | 3;
  readonly onDone: () => void;
}

/** Shown once. The person goes on only after saying that they are kept. */
export function RecoveryCodes({ codes, steps, onDone }: RecoveryCodesProps) {
  const m = t();
  const saved = useSignal(false);
  const copied = useSignal(false);

  const download = () => {
    const url = URL.createObjectURL(new Blob([`${m.codesFile}\n\n${codes.join('\n')}\n`], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = 'incamera-recovery-codes.txt';
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };

  return (
    <form class="stack-6" onSubmit={(event) => { event.preventDefault(); if (saved.value) onDone(); }}>
      <div>
        {steps > 0 && <Steps at={steps} of={steps} />}
        <div class="stack-2"><h1>{m.codesTitle}</h1><p class="muted">{m.codesText}</p></div>
      </div>
      <div class="well"><ol class="rcodes mono num" data-testid="setup-codes">{codes.map((code) => <li key={code}>{code}</li>)}</ol></div>
      <div class="row wrap no-print">
        <Button icon="printer" grow onClick={() => print()}>{m.print}</Button>
        <Button icon="download" grow onClick={download}>{m.download}</Button>
        <Button icon={copied.value ? 'check' : 'copy'} grow onClick={() => void copyText(codes.join('\n')).then((ok) => { copied.value = ok; })}>
          {copied.value ? m.copied : m.copy}
        </Button>
      </div>
      <label class="check no-print">
        <input type="checkbox" data-testid="setup-saved" checked={saved.value} onChange={(event) => { saved.value = event.currentTarget.checked; }} />
        <span>{m.codesSaved}</span>
      </label>
      <Button kind="primary" size="lg" block type="submit" disabled={!saved.value} testid="setup-done">{m.done}</Button>
    </form>
  );
}

import { useSignal } from '@preact/signals';
import { api } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { Button } from './Button.js';
import { Field } from './Field.js';
import { Otp } from './Otp.js';
import { Problem } from './Problem.js';

export interface CodeEntryProps {
  /** A code of the app, or one of the list the person kept. */
  readonly recovery: boolean;
  readonly onDone: () => void;
  /** The sign-in itself is over. */
  readonly onExpired: () => void;
}

/** Six digits that send themselves, or a recovery code. */
export function CodeEntry({ recovery, onDone, onExpired }: CodeEntryProps) {
  const m = t();
  const code = useSignal('');
  const busy = useSignal(false);
  const failure = useSignal<Failure | null>(null);

  const send = async (value: string) => {
    if (busy.value || value.trim() === '') return;
    busy.value = true;
    failure.value = null;
    try {
      await api.secondFactor(value.trim());
      onDone();
    } catch (error) {
      const said = failureOf(error, {
        unauthorized: 'second_factor_invalid', forbidden: 'second_factor_invalid', bad_request: 'second_factor_invalid',
        http_401: 'second_factor_invalid', rate_limited: 'throttled', http_429: 'throttled',
      });
      code.value = '';
      if (said.code === 'unauthenticated' || said.code === 'session_expired') onExpired();
      else failure.value = said;
    } finally {
      busy.value = false;
    }
  };

  return (
    <form class="stack-4" noValidate onSubmit={(event) => { event.preventDefault(); void send(code.value); }}>
      <Problem failure={failure.value} />
      {recovery
        ? <Field label={m.recoveryLabel} value={code.value} onInput={(value) => { code.value = value; }} mono focus placeholder="xxxx-xxxx-xxxx" testid="recovery-input" />
        : <Otp value={code.value} bad={failure.value !== null} onChange={(value) => { code.value = value; }} onFull={(value) => void send(value)} />}
      <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.continuing} testid="otp-submit">{m.confirm}</Button>
    </form>
  );
}

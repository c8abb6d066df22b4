import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { api } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { Button } from '../ui/Button.js';
import { Field } from '../ui/Field.js';
import { Otp } from '../ui/Otp.js';
import { Problem } from '../ui/Problem.js';

export interface SecondFactorProps {
  readonly head: ComponentChildren;
  readonly onDone: () => void;
  /** The password step ran out: back to it. */
  readonly onExpired: () => void;
}

export function SecondFactor({ head, onDone, onExpired }: SecondFactorProps) {
  const m = t();
  const recovery = useSignal(false);
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

  const swap = () => {
    recovery.value = !recovery.value;
    code.value = '';
    failure.value = null;
  };

  return (
    <form class="stack-6" noValidate onSubmit={(event) => { event.preventDefault(); void send(code.value); }}>
      <div class="stack-4">
        {head}
        <div class="stack-2">
          <h1>{recovery.value ? m.recoveryTitle : m.confirmTitle}</h1>
          <p class="muted">{recovery.value ? m.recoveryText : m.confirmText}</p>
        </div>
      </div>
      <Problem failure={failure.value} />
      {recovery.value
        ? <Field label={m.recoveryLabel} value={code.value} onInput={(value) => { code.value = value; }} mono focus placeholder="xxxx-xxxx-xxxx" testid="recovery-input" />
        : <Otp value={code.value} bad={failure.value !== null} onChange={(value) => { code.value = value; }} onFull={(value) => void send(value)} />}
      <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.continuing} testid="otp-submit">{m.confirm}</Button>
      <Button kind="quiet" icon={recovery.value ? 'smartphone' : 'life-buoy'} onClick={swap} testid="otp-other">
        {recovery.value ? m.useApp : m.useRecovery}
      </Button>
    </form>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type Enrolment } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/account.js';
import { Button } from '../ui/Button.js';
import { Otp } from '../ui/Otp.js';
import { Problem } from '../ui/Problem.js';
import { Steps } from '../ui/Steps.js';
import { copyText } from '../ui/clipboard.js';
import { pictureOf } from '../ui/qr.js';

export interface EnrolAppProps {
  /** How many steps the whole way has; 0: it is not part of one. */
  readonly steps: 0 | 2 | 3;
  readonly onCodes: (codes: readonly string[]) => void;
  readonly onBack: () => void;
}

/** Adds the authenticator app: picture and key, then the first code. */
export function EnrolApp({ steps, onCodes, onBack }: EnrolAppProps) {
  const m = t();
  const offer = useSignal<Enrolment | null>(null);
  const code = useSignal('');
  const busy = useSignal(false);
  const copied = useSignal(false);
  const failure = useSignal<Failure | null>(null);

  const begin = async () => {
    failure.value = null;
    try {
      offer.value = await api.enrolTotp();
    } catch (error) {
      failure.value = failureOf(error);
    }
  };
  useEffect(() => { void begin(); }, []);

  const confirm = async (value: string) => {
    if (busy.value || value.length < 6) return;
    busy.value = true;
    failure.value = null;
    try {
      onCodes((await api.confirmTotp(value)).recovery_codes);
    } catch (error) {
      code.value = '';
      failure.value = failureOf(error, {
        unauthorized: 'second_factor_invalid', forbidden: 'second_factor_invalid', bad_request: 'second_factor_invalid', rate_limited: 'throttled',
      });
    } finally {
      busy.value = false;
    }
  };

  const enrolment = offer.value;
  return (
    <form class="stack-6" noValidate onSubmit={(event) => { event.preventDefault(); void confirm(code.value); }}>
      <div>
        {steps > 0 && <Steps at={steps - 1} of={steps} />}
        <div class="stack-2"><h1>{m.enrolTitle}</h1><p class="muted">{m.enrolText}</p></div>
      </div>
      <Problem failure={failure.value} />
      {!enrolment && (failure.value
        ? <Button size="lg" icon="refresh-cw" onClick={() => void begin()}>{m.tryAgain}</Button>
        : <p class="muted" role="status">{m.loading}</p>)}
      {enrolment && (
        <>
          <div class="qrbox">
            <img class="qr" src={pictureOf(enrolment.qr)} alt={m.enrolQr} width="168" height="168" />
            <div class="stack-2">
              <p class="sm muted">{m.enrolManual}</p>
              <p class="mono sm strong key" data-testid="setup-secret" data-secret={enrolment.secret}>{groups(enrolment.secret)}</p>
              <div>
                <Button icon={copied.value ? 'check' : 'copy'} onClick={() => void copyText(enrolment.secret).then((ok) => { copied.value = ok; })}>
                  {copied.value ? m.copied : m.copy}
                </Button>
              </div>
            </div>
          </div>
          <div class="stack-2">
            <span class="label">{m.enrolCode}</span>
            <Otp value={code.value} bad={failure.value !== null} onChange={(value) => { code.value = value; }} onFull={(value) => void confirm(value)} />
          </div>
          <div class="row">
            <Button kind="quiet" size="lg" onClick={onBack}>{m.back}</Button>
            <Button kind="primary" size="lg" grow type="submit" busy={busy.value && m.continuing} testid="setup-confirm">{m.confirm}</Button>
          </div>
        </>
      )}
    </form>
  );
}

/** A key in groups of four, as people type it. */
function groups(secret: string): string {
  return secret.replace(/\s/g, '').replace(/(.{4})(?=.)/g, '$1 ');
}

import { useSignal } from '@preact/signals';
import { api } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/account.js';
import { moment } from '../i18n/index.js';
import { deviceName, makePasskey, passkeysWork } from '../passkeys.js';
import { Icon } from '../ui/Icon.js';
import { Option } from '../ui/Option.js';
import { Problem } from '../ui/Problem.js';
import { Steps } from '../ui/Steps.js';
import { EnrolApp } from './EnrolApp.js';
import { RecoveryCodes } from './RecoveryCodes.js';

export interface EnrolProps {
  /** How many steps the whole way has: 2 from sign-in, 3 from set-up and invitation. */
  readonly steps: 2 | 3;
  /** When administrators took the person's factors away; 0: they did not. */
  readonly resetAt?: number;
  readonly onDone: () => void;
}

/** The first second factor: a passkey or the app, then the recovery codes. */
export function Enrol({ steps, resetAt = 0, onDone }: EnrolProps) {
  const m = t();
  const way = useSignal<'choose' | 'app'>('choose');
  const codes = useSignal<readonly string[] | null>(null);
  const busy = useSignal(false);
  const failure = useSignal<Failure | null>(null);

  const byPasskey = async () => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    try {
      const made = await makePasskey(await api.passkeyOptions());
      const { recovery_codes: kept } = await api.addPasskey(deviceName(navigator.userAgent) || m.passkey, made);
      if (kept) codes.value = kept;
      else onDone();
    } catch (error) {
      failure.value = failureOf(error);
    } finally {
      busy.value = false;
    }
  };

  if (codes.value) return <RecoveryCodes codes={codes.value} steps={steps} onDone={onDone} />;
  if (way.value === 'app') return <EnrolApp steps={steps} onCodes={(list) => { codes.value = list; }} onBack={() => { way.value = 'choose'; }} />;
  return (
    <section class="stack-6">
      <div>
        <Steps at={steps - 1} of={steps} />
        <div class="stack-2"><h1>{m.chooseFactor}</h1><p class="muted">{m.chooseFactorText}</p></div>
      </div>
      {resetAt > 0 && <div class="note note-warn" role="status" data-testid="enrol-reset"><Icon name="info" /><span>{m.factorsReset(moment(resetAt))}</span></div>}
      <Problem failure={failure.value} />
      <div class="stack">
        {passkeysWork() && <Option icon="fingerprint" title={m.passkey} text={m.choosePasskeyText} best={m.safest} busy={busy.value} testid="enrol-passkey" onClick={() => void byPasskey()} />}
        <Option icon="smartphone" title={m.authenticatorApp} text={m.chooseAppText} testid="enrol-app" onClick={() => { way.value = 'app'; }} />
      </div>
    </section>
  );
}

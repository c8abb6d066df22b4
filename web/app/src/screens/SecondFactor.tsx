import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { api, type Way } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { askPasskey, passkeysWork } from '../passkeys.js';
import { Button } from '../ui/Button.js';
import { CodeEntry } from '../ui/CodeEntry.js';
import { Option } from '../ui/Option.js';
import { Problem } from '../ui/Problem.js';

export interface SecondFactorProps {
  readonly head: ComponentChildren;
  /** What this person has. */
  readonly ways: readonly Way[];
  readonly onDone: () => void;
  /** The password step ran out: back to it. */
  readonly onExpired: () => void;
}

/** The second step: at once where there is one way, else the person chooses. */
export function SecondFactor({ head, ways, onDone, onExpired }: SecondFactorProps) {
  const m = t();
  const mine = ways.filter((one) => one !== 'passkey' || passkeysWork());
  const chosen = useSignal<Way | null>(mine.includes('passkey') ? null : mine.includes('otp') ? 'otp' : 'recovery');
  const busy = useSignal(false);
  const failure = useSignal<Failure | null>(null);

  const byPasskey = async () => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    try {
      await api.confirmByPasskey(await askPasskey(await api.confirmOptions()));
      onDone();
    } catch (error) {
      const said = failureOf(error);
      if (said.code === 'unauthenticated') onExpired();
      else failure.value = said;
    } finally {
      busy.value = false;
    }
  };
  const choose = (way: Way | null) => {
    chosen.value = way;
    failure.value = null;
  };

  const way = chosen.value;
  const title = way === 'recovery' ? m.recoveryTitle : way === 'otp' ? m.confirmTitle : m.confirmYouTitle;
  const text = way === 'recovery' ? m.recoveryText : way === 'otp' ? m.confirmText : m.pitchEnrolText;
  const other: Way | null = mine.includes('passkey') ? null : way === 'otp' && mine.includes('recovery') ? 'recovery' : way === 'recovery' && mine.includes('otp') ? 'otp' : null;
  return (
    <div class="stack-6">
      <div class="stack-4">{head}<div class="stack-2"><h1>{title}</h1><p class="muted">{text}</p></div></div>
      <Problem failure={failure.value} />
      {way === null && (
        <div class="stack">
          <Option icon="fingerprint" title={m.passkey} text={m.passkeyText} best={m.safest} busy={busy.value} testid="way-passkey" onClick={() => void byPasskey()} />
          {mine.includes('otp') && <Option icon="smartphone" title={m.wayApp} text={m.wayAppText} testid="way-otp" onClick={() => choose('otp')} />}
          {mine.includes('recovery') && <Option icon="life-buoy" title={m.recoveryLabel} text={m.wayRecoveryText} testid="way-recovery" onClick={() => choose('recovery')} />}
        </div>
      )}
      {way !== null && <CodeEntry key={way} recovery={way === 'recovery'} onDone={onDone} onExpired={onExpired} />}
      {way !== null && mine.includes('passkey') && <Button kind="quiet" icon="arrow-left" onClick={() => choose(null)}>{m.otherWay}</Button>}
      {other && <Button kind="quiet" icon={other === 'otp' ? 'smartphone' : 'life-buoy'} onClick={() => choose(other)} testid="otp-other">{other === 'otp' ? m.useApp : m.useRecovery}</Button>}
    </div>
  );
}

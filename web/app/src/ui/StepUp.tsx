import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { api, type FactorDemand } from '../api.js';
import { confirmElsewhere } from '../state/elsewhere.js';
import { language } from '../state/prefs.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { askPasskey, passkeysWork } from '../passkeys.js';
import { cameFrom, user } from '../state/session.js';
import { answered, asking } from '../state/stepup.js';
import { Button } from './Button.js';
import { CodeEntry } from './CodeEntry.js';
import { Icon } from './Icon.js';
import { Problem } from './Problem.js';

/** The sheet that asks for a second factor where a request wanted one. The page behind it goes on. */
export function StepUp() {
  const demand = asking.value;
  return demand && <Sheet key={demand.acr} demand={demand} />;
}

function Sheet({ demand }: { readonly demand: FactorDemand }) {
  const m = t();
  const has = user.value?.mfa;
  const passkey = passkeysWork() && has?.passkey === true;
  const onlyPasskey = demand.acr === 'phishing_resistant';
  const from = cameFrom.value;
  const onlyThere = from !== '' && !passkey && has?.totp !== true;
  const way = useSignal<'passkey' | 'otp' | 'recovery' | 'there'>(onlyThere ? 'there' : passkey || onlyPasskey ? 'passkey' : has?.totp === false ? 'recovery' : 'otp');
  const busy = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    title.current?.focus();
    return () => { if (before instanceof HTMLElement && before.isConnected) before.focus(); };
  }, []);

  const byPasskey = async () => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    try {
      await api.confirmByPasskey(await askPasskey(await api.confirmOptions()));
      answered(true);
    } catch (error) {
      const said = failureOf(error);
      if (said.code === 'unauthenticated') answered(false);
      else failure.value = said;
    } finally {
      busy.value = false;
    }
  };
  // The provider that the person came from may be asked, too: in a window of its own.
  const there = useSignal('');
  const away = useSignal<AbortController | null>(null);
  useEffect(() => {
    if (from === '') return undefined;
    api.providers().then(({ list: all }) => {
      const found = all.find((one) => one.name === from);
      if (found) there.value = language.value === 'en' ? found.title : found.title_zh;
    }, () => undefined);
    return () => away.value?.abort();
  }, [from]);
  const atProvider = async () => {
    away.value?.abort();
    const mine = new AbortController();
    away.value = mine;
    failure.value = null;
    try {
      await confirmElsewhere(mine.signal);
      answered(true);
    } catch (error) {
      const said = failureOf(error);
      if (said.code !== 'aborted') failure.value = said;
    }
    if (away.value === mine) away.value = null;
  };
  const none = onlyPasskey && !passkey;
  const next = way.value === 'passkey' ? (has?.totp ? 'otp' : 'recovery') : way.value === 'otp' ? 'recovery' : passkey ? 'passkey' : 'otp';
  return (
    <section class="sheet stepup" role="dialog" aria-labelledby="stepup-title" aria-describedby="stepup-text" data-testid="stepup" data-acr={demand.acr}
      onKeyDown={(event) => { event.stopPropagation(); if (event.key === 'Escape') answered(false); }}>
      <div class="row top stepup-head">
        <span class="mk"><Icon name={way.value === 'passkey' ? 'fingerprint' : way.value === 'otp' ? 'smartphone' : way.value === 'there' ? 'shield-check' : 'life-buoy'} size="lg" /></span>
        <div class="grow">
          <h2 class="small-title" id="stepup-title" tabIndex={-1} ref={title}>{m.confirmYouTitle}</h2>
          <p class="sm muted" id="stepup-text">{none ? m.stepUpNoPasskey : onlyPasskey ? m.stepUpPasskey : m.stepUpText}</p>
        </div>
        <Button kind="quiet" size="sm" icon="x" label={m.notNow} testid="stepup-no" onClick={() => answered(false)} />
      </div>
      {failure.value && <Problem failure={failure.value} />}
      {none && <a class="btn btn-lg btn-primary btn-block" href="/security" target="_blank" rel="noopener" onClick={() => answered(false)} data-testid="stepup-settings">{m.openSecurity}</a>}
      {!none && way.value === 'passkey' && (
        <div class="row">
          <Button kind="primary" size="lg" grow icon="fingerprint" busy={busy.value && m.continuing} testid="stepup-passkey" onClick={() => void byPasskey()}>{m.usePasskey}</Button>
          {!onlyPasskey && <Button size="lg" testid="stepup-other" onClick={() => { way.value = next; }}>{m.otherWay}</Button>}
        </div>
      )}
      {way.value !== 'passkey' && way.value !== 'there' && (
        <>
          <CodeEntry key={way.value} recovery={way.value === 'recovery'} onDone={() => answered(true)} onExpired={() => answered(false)} />
          <Button kind="quiet" testid="stepup-other" onClick={() => { way.value = next; }}>{next === 'passkey' ? m.usePasskey : next === 'otp' ? m.useApp : m.useRecovery}</Button>
        </>
      )}
      {from !== '' && (
        <>
          <Button kind={onlyThere ? 'primary' : 'line'} size="lg" block testid="stepup-there" onClick={() => void atProvider()}>{there.value === '' ? m.stepUpThere : m.stepUpAt(there.value)}</Button>
          {away.value && <p class="sm muted" role="status">{m.stepUpWindow}</p>}
        </>
      )}
    </section>
  );
}

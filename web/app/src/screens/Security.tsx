import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type Factors, type Identity, type WebSession } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/account.js';
import { deviceName, makePasskey, passkeysWork } from '../passkeys.js';
import { route } from '../state/router.js';
import { hasPassword, refreshUser, signOutEverywhere, user } from '../state/session.js';
import { toast } from '../state/toasts.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { Icon } from '../ui/Icon.js';
import { Problem } from '../ui/Problem.js';
import { TopBar } from '../ui/TopBar.js';
import { ChangePassword } from './ChangePassword.js';
import { EnrolApp } from './EnrolApp.js';
import { Links } from './Links.js';
import { PasskeyRow } from './PasskeyRow.js';
import { RecoveryCodes } from './RecoveryCodes.js';
import { SessionRow } from './SessionRow.js';
import { ThisDevice } from './ThisDevice.js';

/** One's own factors, linked accounts, password and sign-ins. */
export function Security() {
  const m = t();
  const factors = useSignal<Factors | null>(null);
  const sessions = useSignal<readonly WebSession[]>([]);
  const links = useSignal<readonly Identity[]>([]);
  const codes = useSignal<readonly string[] | null>(null);
  const adding = useSignal(false);
  const asking = useSignal<'totp' | 'codes' | 'sessions' | null>(null);
  const busy = useSignal(false);
  const failure = useSignal<Failure | null>(null);

  const load = async () => {
    try {
      [factors.value, sessions.value, links.value] = await Promise.all([api.factors(), api.sessions(), api.identities()]);
    } catch (error) {
      failure.value = failureOf(error);
    }
  };
  useEffect(() => {
    // Back from a provider, where a link was to be made.
    const failed = /^failed:(\w+)$/.exec(route.value.name === 'security' ? route.value.came ?? '' : '')?.[1];
    if (failed !== undefined) failure.value = failureOf({ code: failed });
    void load();
  }, []);

  /** Does one thing and shows what is there then. */
  const act = async (run: () => Promise<unknown>) => {
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    try {
      await run();
      if (user.value) await Promise.all([load(), refreshUser()]);
    } catch (error) {
      failure.value = failureOf(error);
    } finally {
      busy.value = false;
    }
  };
  const addPasskey = () => act(async () => {
    const made = await makePasskey(await api.passkeyOptions());
    const { recovery_codes: fresh } = await api.addPasskey(deviceName(navigator.userAgent) || m.passkey, made);
    if (fresh) codes.value = fresh;
    toast({ kind: 'notice', text: m.passkeyAdded });
  });

  const have = factors.value;
  const here = sessions.value.find((one) => one.current)?.address ?? '';
  if (codes.value || adding.value) {
    return (
      <>
        <TopBar at="security" />
        <main class="narrow-page" id="main">
          <section class="card pad">
            {codes.value
              ? <RecoveryCodes codes={codes.value} steps={0} onDone={() => { codes.value = null; }} />
              : <EnrolApp steps={0} onBack={() => { adding.value = false; }} onCodes={(list) => { adding.value = false; codes.value = list; void load(); void refreshUser(); }} />}
          </section>
        </main>
      </>
    );
  }
  return (
    <>
      <TopBar at="security" />
      <main class="home" id="main">
        <section class="hi"><div><h1>{m.security}</h1><p class="muted">{m.securityText}</p></div></section>
        <div class="stack-4 side-main">
          <div class="card-problem"><Problem failure={failure.value} /></div>
          <section class="card today" aria-labelledby="passkeys-title">
            <div class="card-head row between wrap">
              <h2 id="passkeys-title">{m.passkeys}</h2>
              {passkeysWork() && <Button kind="primary" icon="plus" busy={busy.value && m.continuing} testid="passkey-add" onClick={() => void addPasskey()}>{m.addPasskey}</Button>}
            </div>
            {have?.passkeys.length === 0 && <p class="empty muted">{passkeysWork() ? m.noPasskeys : m.passkeysNotHere}</p>}
            <ul>{have?.passkeys.map((one) => (
              <PasskeyRow key={one.id} of={one} onRename={(name) => void act(() => api.renamePasskey(one.id, name))} onRemove={() => void act(() => api.removePasskey(one.id))} />
            ))}</ul>
          </section>
          <section class="card today" aria-labelledby="other-title">
            <div class="card-head"><h2 id="other-title">{m.otherFactors}</h2></div>
            {have && (
              <ul>
                <li class="person" data-testid="factor-totp" data-on={have.totp}>
                  <Icon name="smartphone" />
                  <div class="grow"><div class="nm">{m.authenticatorApp}</div><div class="xs quiet">{have.totp ? m.appThere : m.appMissing}</div></div>
                  <Button kind="quiet" testid="totp-set" onClick={() => { adding.value = true; }}>{have.totp ? m.replace : m.add}</Button>
                  {have.totp && have.passkeys.length > 0 && <Button kind="quiet-danger" testid="totp-remove" onClick={() => { asking.value = 'totp'; }}>{m.remove}</Button>}
                </li>
                <li class="person" data-testid="factor-codes" data-left={have.recovery_left}>
                  <Icon name="life-buoy" />
                  <div class="grow"><div class="nm">{m.recoveryCodes}</div><div class="xs quiet">{m.codesLeft(have.recovery_left)}</div></div>
                  <Button kind="quiet" testid="codes-new" onClick={() => { asking.value = 'codes'; }}>{m.newCodes}</Button>
                </li>
              </ul>
            )}
          </section>
          <Links list={links.value} act={(run) => void act(run)} />
          <section class="card today" aria-labelledby="sessions-title">
            <div class="card-head row between wrap">
              <h2 id="sessions-title">{m.sessionsTitle}</h2>
              <Button kind="quiet-danger" testid="sessions-end" onClick={() => { asking.value = 'sessions'; }}>{m.endSessions}</Button>
            </div>
            <ul>{sessions.value.map((one) => <SessionRow key={one.id} of={one} here={here} onEnd={() => void act(() => api.endSession(one.id))} />)}</ul>
          </section>
        </div>
        <aside class="stack-4 side last">
          <ThisDevice act={act} />
          {hasPassword.value ? <ChangePassword onDone={() => void load()} /> : <section class="card pad"><p class="sm muted" data-testid="password-elsewhere">{m.passwordElsewhere}</p></section>}
        </aside>
      </main>
      {asking.value === 'totp' && (
        <Confirm text={m.removeAppAsk} action={m.remove} onNo={() => { asking.value = null; }} onYes={() => { asking.value = null; void act(() => api.removeTotp()); }} />
      )}
      {asking.value === 'sessions' && (
        <Confirm text={m.endSessionsAsk} action={m.endSessions} onNo={() => { asking.value = null; }} onYes={() => { asking.value = null; void act(signOutEverywhere); }} />
      )}
      {asking.value === 'codes' && (
        <Confirm text={m.newCodesAsk} action={m.newCodes} onNo={() => { asking.value = null; }}
          onYes={() => { asking.value = null; void act(async () => { codes.value = (await api.newRecovery()).recovery_codes; }); }} />
      )}
    </>
  );
}

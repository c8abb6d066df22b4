import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type Approval, type ListedUser } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/people.js';
import { user } from '../state/session.js';
import { toast } from '../state/toasts.js';
import { roleWord } from '../ui/roles.js';
import { Avatar } from '../ui/Avatar.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { Problem } from '../ui/Problem.js';
import { TopBar } from '../ui/TopBar.js';
import { Approvals } from './Approvals.js';
import { InviteUser } from './InviteUser.js';

/** For administrators: who has an account, and an invitation for the next one. */
export function Users() {
  const m = t();
  const users = useSignal<readonly ListedUser[]>([]);
  const waiting = useSignal<readonly Approval[]>([]);
  const resetting = useSignal<ListedUser | null>(null);
  const failure = useSignal<Failure | null>(null);
  const load = async () => {
    try {
      [users.value, waiting.value] = await Promise.all([api.users(), api.approvals()]);
      failure.value = null;
    } catch (error) {
      failure.value = failureOf(error);
    }
  };
  useEffect(() => { void load(); }, []);
  const act = async (run: () => Promise<unknown>, done: string) => {
    try {
      await run();
      toast({ kind: 'notice', text: done });
    } catch (error) {
      failure.value = failureOf(error);
      return;
    }
    await load();
  };
  return (
    <>
      <TopBar at="users" />
      <main class="home" id="main">
        <section class="hi"><div><h1>{m.usersTitle}</h1><p class="muted">{m.usersText}</p></div></section>
        <section class="card today" aria-labelledby="users-title">
          <div class="card-head"><h2 id="users-title">{m.people}</h2></div>
          <div class="card-problem"><Problem failure={failure.value} /></div>
          <ul>
            {users.value.map((one) => (
              <li class="person" key={one.id} data-testid="user-row">
                <Avatar name={one.name} id={one.id} />
                <div class="grow"><div class="nm clip">{one.name}</div><div class="xs quiet clip">{one.login}</div></div>
                <span class="tag">{roleWord(m, one.role)}</span>
                {one.id !== user.value?.id && (
                  <Button kind="quiet" icon="rotate-ccw" label={`${m.resetFactors}: ${one.name}`} title={m.resetFactors} testid="user-reset" onClick={() => { resetting.value = one; }} />
                )}
              </li>
            ))}
          </ul>
        </section>
        <aside class="stack-4 side">
          <Approvals list={waiting.value} onApprove={(id) => void act(() => api.approve(id), m.approved)} onWithdraw={(id) => void act(() => api.withdraw(id), m.withdrawn)} />
          <InviteUser onDone={() => void load()} />
        </aside>
      </main>
      {resetting.value && (
        <Confirm text={m.resetAsk(resetting.value.name)} action={m.resetDo} onNo={() => { resetting.value = null; }}
          onYes={() => { const of = resetting.value; resetting.value = null; if (of) void act(() => api.resetFactors(of.id), m.resetWaits); }} />
      )}
    </>
  );
}

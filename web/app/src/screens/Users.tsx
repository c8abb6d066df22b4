import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type ListedUser } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/index.js';
import { roleWord } from '../ui/roles.js';
import { Avatar } from '../ui/Avatar.js';
import { Problem } from '../ui/Problem.js';
import { TopBar } from '../ui/TopBar.js';
import { InviteUser } from './InviteUser.js';

/** For administrators: who has an account, and an invitation for the next one. */
export function Users() {
  const m = t();
  const users = useSignal<readonly ListedUser[]>([]);
  const failure = useSignal<Failure | null>(null);
  const load = async () => {
    try {
      users.value = await api.users();
      failure.value = null;
    } catch (error) {
      failure.value = failureOf(error);
    }
  };
  useEffect(() => { void load(); }, []);
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
              </li>
            ))}
          </ul>
        </section>
        <aside class="stack-4 side"><InviteUser onDone={() => void load()} /></aside>
      </main>
    </>
  );
}

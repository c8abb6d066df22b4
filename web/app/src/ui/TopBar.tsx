import { t } from '../i18n/index.js';
import { follow } from '../state/router.js';
import { isAdmin, signOut } from '../state/session.js';
import { failureOf, sentenceIn } from '../failure.js';
import { language } from '../state/prefs.js';
import { toast } from '../state/toasts.js';
import { Brand } from './Brand.js';
import { Button } from './Button.js';
import { Switches } from './Switches.js';

export interface TopBarProps {
  readonly at: 'home' | 'users' | 'network' | 'security';
}

/** The head of the screens behind sign-in. */
export function TopBar({ at }: TopBarProps) {
  const m = t();
  const out = () => void signOut().catch((error: unknown) => toast({ kind: 'alert', text: sentenceIn(language.value, failureOf(error)) }));
  return (
    <div class="topbar">
      <header>
        <Brand />
        <nav class="row nav" aria-label={m.mainNavigation}>
          <a class="nv" href="/" aria-current={at === 'home' ? 'page' : undefined} onClick={follow}>{m.home}</a>
          {isAdmin.value && <a class="nv" href="/users" aria-current={at === 'users' ? 'page' : undefined} onClick={follow} data-testid="nav-users">{m.people}</a>}
          <a class="nv" href="/security" aria-current={at === 'security' ? 'page' : undefined} onClick={follow} data-testid="nav-security">{m.security}</a>
        </nav>
        <div class="grow" />
        <Switches />
        <Button kind="quiet" icon="log-out" label={m.signOut} testid="sign-out" onClick={out} />
      </header>
    </div>
  );
}

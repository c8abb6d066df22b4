import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, type Identity, type Provider } from '../api.js';
import { t } from '../i18n/account.js';
import { moment } from '../i18n/index.js';
import { language } from '../state/prefs.js';
import { goAbroad } from '../state/session.js';
import { Button } from '../ui/Button.js';
import { Confirm } from '../ui/Confirm.js';
import { Icon } from '../ui/Icon.js';

export interface LinksProps {
  readonly list: readonly Identity[];
  /** Does one thing and shows what is there then, or why it failed. */
  readonly act: (run: () => Promise<unknown>) => void;
}

/** Whom one is at providers, and a button for each place where another account could be. Nothing where there is none. */
export function Links({ list, act }: LinksProps) {
  const m = t();
  const providers = useSignal<readonly Provider[]>([]);
  const asking = useSignal<Identity | null>(null);
  useEffect(() => { api.providers().then(({ list: all }) => { providers.value = all; }, () => undefined); }, []);

  const titleOf = (name: string) => {
    const found = providers.value.find((one) => one.name === name);
    return !found ? name : language.value === 'en' ? found.title : found.title_zh;
  };
  const link = (name: string) => act(async () => goAbroad((await api.leaveToLink(name, '/security')).url));
  if (list.length === 0 && providers.value.length === 0) return null;
  return (
    <section class="card today" aria-labelledby="links-title">
      <div class="card-head"><h2 id="links-title">{m.links}</h2></div>
      {list.length === 0 && <p class="empty muted">{m.noLinks}</p>}
      <ul>
        {list.map((one) => (
          <li class="person" key={one.id} data-testid="link">
            <Icon name="link" />
            <div class="grow">
              <div class="nm clip">{titleOf(one.provider)}</div>
              <div class="xs quiet clip">{one.subject}{one.used_at_ms > 0 && ` · ${m.linkUsed(moment(one.used_at_ms))}`}</div>
            </div>
            <Button kind="quiet-danger" testid="link-remove" label={`${m.unlink}: ${titleOf(one.provider)}`} onClick={() => { asking.value = one; }}>{m.unlink}</Button>
          </li>
        ))}
      </ul>
      {providers.value.length > 0 && (
        <div class="row wrap card-foot">
          {providers.value.map((one) => <Button key={one.name} icon="plus" testid={`link-at-${one.name}`} onClick={() => link(one.name)}>{m.linkAt(titleOf(one.name))}</Button>)}
        </div>
      )}
      {asking.value && (
        <Confirm text={m.unlinkAsk(titleOf(asking.value.provider), asking.value.subject)} action={m.unlink} onNo={() => { asking.value = null; }}
          onYes={() => { const { id } = asking.value as Identity; asking.value = null; act(() => api.unlink(id)); }} />
      )}
    </section>
  );
}

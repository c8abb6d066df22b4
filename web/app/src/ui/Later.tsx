import { signal } from '@preact/signals';
import type { ComponentChildren, FunctionComponent, VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { navigate, reload } from '../state/router.js';
import { Button } from './Button.js';

type Part<P> = { readonly is: 'away' | 'missing' } | { readonly is: 'here'; readonly Screen: FunctionComponent<P> };

/**
 * A screen whose code comes when it is first opened. Until then `frame` holds a calm line; when the code does not come
 * (an update took the file away, or the network is gone) it says so and offers to load the page anew.
 */
export function later<P extends object>(load: () => Promise<FunctionComponent<P>>, frame: (what: ComponentChildren) => VNode): FunctionComponent<P> {
  const part = signal<Part<P>>({ is: 'away' });
  return function Later(props: P) {
    useEffect(() => {
      if (part.value.is === 'here') return;
      part.value = { is: 'away' };
      load().then((Screen) => { part.value = { is: 'here', Screen }; }, () => { part.value = { is: 'missing' }; });
    }, []);
    const now = part.value;
    if (now.is === 'here') return <now.Screen {...props} />;
    return frame(now.is === 'missing' ? <PartMissing /> : <p class="muted centre" role="status">{t().loading}</p>);
  };
}

function PartMissing() {
  const m = t();
  return (
    <div class="stack-6" data-testid="part-missing">
      <div class="stack-2" role="alert"><h1>{m.partMissing}</h1><p class="muted">{m.partMissingText}</p></div>
      <div class="row wrap">
        <Button kind="primary" size="lg" icon="refresh-cw" testid="load-again" onClick={reload}>{m.loadAgain}</Button>
        <Button size="lg" onClick={() => navigate('/')}>{m.backHome}</Button>
      </div>
    </div>
  );
}

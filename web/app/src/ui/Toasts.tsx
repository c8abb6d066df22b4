import { t } from '../i18n/index.js';
import { dismiss, pause, resume, toasts, type Toast } from '../state/toasts.js';
import { Button } from './Button.js';
import { Icon } from './Icon.js';

function One({ toast }: { readonly toast: Toast }) {
  const m = t();
  return (
    <div class="toast" data-testid="toast" data-kind={toast.kind}
      onPointerEnter={() => pause(toast.id)} onPointerLeave={() => resume(toast.id)}
      onFocusCapture={() => pause(toast.id)} onBlurCapture={() => resume(toast.id)}>
      <span class={`mark${toast.kind === 'notice' ? ' safe' : ''}`}><Icon name={toast.kind === 'notice' ? 'info' : 'circle-alert'} /></span>
      <div class="grow">
        <div class="toast-text">{toast.text}</div>
        {toast.reference && <div class="xs quiet">{m.reference(toast.reference)}</div>}
        {toast.action && (
          <div class="acts">
            <Button size="sm" onClick={() => { toast.action?.run(); dismiss(toast.id); }}>{toast.action.label}</Button>
          </div>
        )}
      </div>
      <Button kind="quiet" size="sm" icon="x" label={m.dismiss} onClick={() => dismiss(toast.id)} />
    </div>
  );
}

export function Toasts() {
  return <div class="toasts">{toasts.value.map((toast) => <One key={toast.id} toast={toast} />)}</div>;
}

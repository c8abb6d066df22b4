import type { ComponentChildren } from 'preact';
import { Icon } from './Icon.js';
import type { IconName } from './icons.js';

export interface ButtonProps {
  readonly kind?: 'primary' | 'line' | 'quiet' | 'danger' | 'quiet-danger';
  readonly size?: 'lg' | 'sm';
  readonly block?: boolean;
  readonly grow?: boolean;
  readonly icon?: IconName;
  readonly type?: 'button' | 'submit';
  readonly disabled?: boolean;
  /** Set while the work runs: the button keeps its place and says what happens. */
  readonly busy?: string | false;
  readonly label?: string;
  readonly title?: string;
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  readonly testid?: string;
  readonly onClick?: (event: MouseEvent) => void;
  readonly children?: ComponentChildren;
}

export function Button(props: ButtonProps) {
  const { kind, size, block, grow, icon, type = 'button', disabled, busy, label, title, pressed, expanded, testid, onClick, children } = props;
  const bare = children === undefined;
  const cls = ['btn', kind && `btn-${kind}`, size && `btn-${size}`, block && 'btn-block', grow && 'grow', bare && 'btn-icon'].filter(Boolean).join(' ');
  return (
    <button
      type={type}
      class={cls}
      disabled={disabled === true}
      aria-busy={busy ? 'true' : undefined}
      aria-disabled={busy ? 'true' : undefined}
      aria-label={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      title={title ?? (bare ? label : undefined)}
      data-testid={testid}
      onClick={busy ? (event: MouseEvent) => event.preventDefault() : onClick}
    >
      {icon && <Icon name={icon} />}
      {busy ? busy : children}
    </button>
  );
}

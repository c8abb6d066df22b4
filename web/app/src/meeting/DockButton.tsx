import { Icon } from '../ui/Icon.js';
import type { IconName } from '../ui/icons.js';

export interface DockButtonProps {
  readonly icon: IconName;
  /** For mic and camera the state, for the rest a noun. Never the opposite verb. */
  readonly label: string;
  readonly testid: string;
  readonly look?: 'on' | 'off' | 'leave' | 'tog';
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  readonly keys?: string;
  readonly title?: string;
  readonly disabled?: boolean;
  readonly count?: { readonly text: string; readonly quiet?: boolean; readonly label?: string } | null;
  readonly onClick: () => void;
}

export function DockButton(props: DockButtonProps) {
  const { icon, label, testid, look, pressed, expanded, keys, title, disabled, count, onClick } = props;
  return (
    <button type="button" class={`dk${look ? ` ${look}` : ''}`} aria-pressed={pressed} aria-expanded={expanded} aria-keyshortcuts={keys}
      title={title} disabled={disabled === true} data-testid={testid} onClick={onClick}>
      <span class="ic"><Icon name={icon} /></span>
      <span class="tx">{label}</span>
      {count && <span class={`count${count.quiet ? ' plain' : ''}`} aria-hidden="true">{count.text}</span>}
      {count?.label && <span class="vh">, {count.label}</span>}
    </button>
  );
}

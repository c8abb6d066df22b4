import { Icon } from './Icon.js';
import type { IconName } from './icons.js';

export interface OptionProps {
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
  /** The one that is advised. */
  readonly best?: string;
  readonly busy?: boolean;
  readonly testid?: string;
  readonly onClick: () => void;
}

/** One of a few ways, each with a picture, its name and what it means. */
export function Option({ icon, title, text, best, busy, testid, onClick }: OptionProps) {
  return (
    <button type="button" class={`opt${best === undefined ? '' : ' best'}`} aria-busy={busy ? 'true' : undefined} data-testid={testid} onClick={busy ? undefined : onClick}>
      <span class="mk"><Icon name={icon} size="lg" /></span>
      <span class="grow"><span class="strong block">{title}</span><span class="sm muted">{text}</span></span>
      {best ? <span class="tag tag-safe">{best}</span> : best === undefined && <Icon name="chevron-right" />}
    </button>
  );
}

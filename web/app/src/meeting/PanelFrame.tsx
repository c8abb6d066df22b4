import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { closePanel } from '../state/meetingui.js';
import { Button } from '../ui/Button.js';

export interface PanelFrameProps {
  readonly name: string;
  readonly title: string;
  readonly extra?: ComponentChildren;
  readonly footer?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A panel beside the stage, a sheet on phones. It takes the focus on its heading. */
export function PanelFrame({ name, title, extra, footer, children }: PanelFrameProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => { heading.current?.focus({ preventScroll: true }); }, [name]);
  return (
    <aside class="panel" aria-labelledby={`panel-${name}`} data-testid={`panel-${name}`}>
      <header>
        <h2 id={`panel-${name}`} ref={heading} tabIndex={-1}>{title}{extra}</h2>
        <Button kind="quiet" icon="x" label={t().closePanel} testid="panel-close" onClick={closePanel} />
      </header>
      {children}
      {footer && <footer>{footer}</footer>}
    </aside>
  );
}

import type { ScreenMode } from '@incamera/sdk';
import { useId } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { attempt, grants, media } from '../state/call.js';
import { Icon } from '../ui/Icon.js';

const rates: Readonly<Record<ScreenMode, readonly number[]>> = { detail: [5, 10, 15], motion: [15, 24, 30] };

/** Sharp text or smooth motion, before a screen is shared and while it is. */
export function ScreenModes() {
  const m = t();
  const id = useId();
  const now = media.value?.screenSettings;
  if (!now || !(grants.value?.publish.includes('screen') ?? false)) return null;
  const choose = (mode: ScreenMode, fps?: number) => void attempt('screen-mode', (room) => room.setScreenMode(mode, fps));
  return (
    <>
      <div class="sec"><span>{m.screenTitle}</span></div>
      <div class="screen-modes" role="radiogroup" aria-label={m.screenTitle}>
        {(['detail', 'motion'] as const).map((mode) => (
          <label key={mode} class="screen-mode">
            <input type="radio" name={`${id}-mode`} checked={now.mode === mode} data-testid={`screen-${mode}`} onChange={() => choose(mode)} />
            <span><span class="strong">{mode === 'detail' ? m.screenDetail : m.screenMotion}</span><br /><span class="xs quiet">{mode === 'detail' ? m.screenDetailText : m.screenMotionText}</span></span>
          </label>
        ))}
        <div class="dev">
          <Icon name="screen-share" />
          <label class="vh" for={`${id}-rate`}>{m.screenRate}</label>
          <span class="select grow">
            <select id={`${id}-rate`} value={String(now.framesPerSecond)} data-testid="screen-rate" onChange={(event) => choose(now.mode, Number(event.currentTarget.value))}>
              {[...new Set([...rates[now.mode], now.framesPerSecond])].sort((a, b) => a - b).map((fps) => <option key={fps} value={String(fps)}>{m.screenFps(fps)}</option>)}
            </select>
            <Icon name="chevron-down" />
          </span>
        </div>
      </div>
    </>
  );
}

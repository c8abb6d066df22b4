import { t } from '../i18n/index.js';
import { camera, mic, toggleDevice, type DeviceState } from '../state/devices.js';
import { user } from '../state/session.js';
import { Avatar } from '../ui/Avatar.js';
import { Icon } from '../ui/Icon.js';
import { MicLevel } from './MicLevel.js';
import { Picture } from '../ui/Picture.js';

function DeviceNote({ of }: { readonly of: DeviceState }) {
  if (!of.problem) return null;
  return <div class="note note-warn" role="status"><Icon name="triangle-alert" /><span>{t().errors[of.problem]}</span></div>;
}

/** What the others will see, mirrored as in a mirror, with the two switches that matter. */
export function Preview() {
  const m = t();
  const cam = camera.value;
  const voice = mic.value;
  const micOn = voice.track !== null;
  const camOn = cam.track !== null;
  return (
    <>
      <div class="cam" data-testid="preview" data-camera={camOn ? 'on' : 'off'}>
        {cam.track
          ? <Picture track={cam.track} mirror label={m.yourPicture} />
          : (
            <div class="coff">
              <Avatar name={user.value?.name ?? '?'} id={user.value?.login ?? ''} size="lg" />
              <span class="sm">{cam.opening ? m.cameraStarting : m.cameraOff}</span>
            </div>
          )}
        <span class="who only-you">{m.prejoinOnlyYou}</span>
        <div class="cbar">
          <button type="button" class={`rb${micOn ? ' on' : ' x'}`} aria-pressed={micOn} aria-label={micOn ? m.micIsOn : m.micIsOff} data-testid="prejoin-mic" onClick={() => void toggleDevice('mic')}>
            <Icon name={micOn ? 'mic' : 'mic-off'} />
            {voice.track && <MicLevel track={voice.track} />}
          </button>
          <button type="button" class={`rb${camOn ? '' : ' x'}`} aria-pressed={camOn} aria-label={camOn ? m.cameraIsOn : m.cameraIsOff} data-testid="prejoin-camera" onClick={() => void toggleDevice('camera')}>
            <Icon name={camOn ? 'video' : 'video-off'} />
          </button>
        </div>
      </div>
      <DeviceNote of={voice} />
      <DeviceNote of={cam} />
    </>
  );
}

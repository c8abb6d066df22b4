import type { Participant, VideoKind } from '@incamera/sdk';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/index.js';
import type { Box } from '../layout/pack.js';
import { hands, isOn, media, room, slotsTurn, speaking } from '../state/call.js';
import { phone, pin, togglePin } from '../state/meetingui.js';
import { Avatar } from '../ui/Avatar.js';
import { Icon } from '../ui/Icon.js';
import { Picture } from '../ui/Picture.js';
import { tint } from '../ui/initials.js';
import { NameLabel } from './NameLabel.js';
import { TileCues } from './TileCues.js';

export interface TileProps {
  readonly person: Participant;
  readonly kind: VideoKind;
  readonly box: Box;
  readonly own: boolean;
  readonly inset: boolean;
  /** The element that the SDK fills; null when it goes away. */
  readonly onVideo: (video: HTMLVideoElement | null) => void;
  readonly onAspect: (aspect: number) => void;
}

/** Beyond these shapes a face is shown whole instead of cropped. */
const CROP_LEAST = 3 / 4;
const CROP_MOST = 2.1;

export function Tile(props: TileProps) {
  const { person, kind, box, own, inset, onVideo, onAspect } = props;
  const m = t();
  const tile = useRef<HTMLLIElement>(null);
  const video = useRef<HTMLVideoElement>(null);

  // Geometry goes through the CSSOM: the page's policy allows no style attributes.
  useLayoutEffect(() => {
    const style = tile.current?.style;
    style?.setProperty('left', `${box.x}px`);
    style?.setProperty('top', `${box.y}px`);
    style?.setProperty('width', `${box.width}px`);
    style?.setProperty('height', `${box.height}px`);
  }, [box.x, box.y, box.width, box.height]);

  const on = isOn(person, kind);
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    onVideo(element);
    const resized = () => { if (element.videoWidth > 0) onAspect(element.videoWidth / element.videoHeight); };
    element.addEventListener('resize', resized);
    return () => {
      element.removeEventListener('resize', resized);
      onVideo(null);
    };
  }, [on, own]);

  const ownTrack = own ? media.value?.camera.track ?? null : null;
  const ownOn = own && media.value?.camera.on === true && ownTrack !== null;
  const muted = own ? media.value?.mic.on !== true : !isOn(person, 'mic');
  const talks = kind === 'camera' && !muted && speaking.value.includes(person.id);
  const pinned = pin.value?.participant === person.id && pin.value.kind === kind;
  const place = kind === 'camera' ? hands.value.findIndex((one) => one.id === person.id) + 1 : 0;
  const whole = kind === 'screen' || box.width / box.height < CROP_LEAST || box.width / box.height > CROP_MOST;
  // Reading the turn makes this tile ask again when somebody moves into a slot.
  const slot = slotsTurn.value >= 0 && !own ? room.value?.slots.find((one) => one.participant === person.id && one.kind === kind) : undefined;
  const classes = ['tile', talks && 'speaking', own && 'self', inset && 'inset', box.width < 240 && 'small', kind === 'screen' && 'shared', !person.present && 'gone'];

  return (
    <li ref={tile} class={classes.filter(Boolean).join(' ')} data-testid="tile" data-participant={person.id} data-kind={kind} data-self={own}
      data-speaking={talks} data-muted={muted} data-video={own ? ownOn : on}>
      {kind === 'camera' && <div class={`off ground-${tint(person.id)}`}><Avatar name={person.name} id={person.id} /></div>}
      {own ? ownOn && ownTrack && <Picture track={ownTrack} mirror whole={whole} /> : on && <video ref={video} class={`pic${whole ? ' whole' : ''}`} autoplay muted playsInline disablePictureInPicture />}
      <TileCues person={person} kind={kind} place={place} paused={slot?.paused ?? ''} pinned={pinned} />
      <NameLabel person={person} own={own} kind={kind} muted={muted} />
      {kind === 'camera' && (talks
        ? <span class="micst talk" aria-hidden="true"><span class="lv live"><b /><b /><b /></span></span>
        : muted && <span class="micst" aria-hidden="true"><Icon name="mic-off" /></span>)}
      {!own && !phone.value && (
        <button type="button" class="pin-btn" aria-pressed={pinned} aria-label={`${pinned ? m.tileUnpin : m.tilePin}: ${person.name}`} title={pinned ? m.tileUnpin : m.tilePin}
          onClick={() => togglePin({ participant: person.id, kind })}>
          <Icon name="pin" />
        </button>
      )}
    </li>
  );
}

import type { Participant, PauseReason, VideoKind } from '@incamera/sdk';
import { t } from '../i18n/index.js';
import { Icon } from '../ui/Icon.js';

export interface TileCuesProps {
  readonly person: Participant;
  readonly kind: VideoKind;
  /** Place in the row of raised hands, 0 for none. */
  readonly place: number;
  readonly paused: PauseReason;
  readonly pinned: boolean;
}

/** What else there is to know about a tile, in words: hand, connection, pin. */
export function TileCues({ person, kind, place, paused, pinned }: TileCuesProps) {
  const m = t();
  const weak = paused === 'bandwidth' ? m.picturePaused : paused === 'overload' ? m.pictureOverload
    : paused === 'no_layer' ? m.pictureSlow : paused === 'codec' ? m.pictureCodec : '';
  return (
    <>
      {place > 0 && <span class="tcue hand" data-testid="hand-badge"><Icon name="hand" /><span class="tx">{m.handUpPlace(place)}</span></span>}
      {place === 0 && pinned && <span class="tcue"><Icon name="pin" /><span class="tx">{m.pinned}</span></span>}
      {kind === 'camera' && !person.present
        ? <span class="tcue left"><Icon name="wifi-off" /><span class="tx">{m.away}</span></span>
        : weak && <span class="tcue left" data-testid="picture-cue" title={weak}><Icon name="signal" /><span class="tx">{weak}</span></span>}
    </>
  );
}

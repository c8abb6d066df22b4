// Which tiles there are and which one is large.

import type { Participant, VideoKind } from '@incamera/sdk';

export interface TileId {
  readonly participant: string;
  readonly kind: VideoKind;
}

export function keyOf(tile: TileId): string {
  return `${tile.participant}/${tile.kind}`;
}

export interface Choice {
  readonly pin: TileId | null;
  readonly layout: 'grid' | 'speaker';
  /** The person heard, held long enough not to flicker; '' for nobody. */
  readonly speaker: string;
}

const has = (person: Participant, kind: VideoKind) => person.media.some((source) => source.kind === kind && source.on);

/** Every screen on the stage: those of the others, and my own when I pinned it. The large one comes first. */
export function screenTiles(people: readonly Participant[], self: string, main: TileId | null): TileId[] {
  const shared = people.filter((one) => one.id !== self && has(one, 'screen')).map((one): TileId => ({ participant: one.id, kind: 'screen' }));
  if (main?.kind !== 'screen') return shared;
  return [main, ...shared.filter((one) => one.participant !== main.participant)];
}

/** The large tile: my pin, else somebody's share (never my own: a mirror in a mirror), else the speaker; null: grid. */
export function mainTile(people: readonly Participant[], self: string, choice: Choice): TileId | null {
  const { pin } = choice;
  if (pin && people.some((one) => one.id === pin.participant && (pin.kind === 'camera' || has(one, 'screen')))) return pin;
  const sharing = people.filter((one) => one.id !== self && has(one, 'screen'));
  const share = sharing[sharing.length - 1];
  if (share) return { participant: share.id, kind: 'screen' };
  if (choice.layout !== 'speaker') return null;
  const others = people.filter((one) => one.id !== self);
  const speaker = others.find((one) => one.id === choice.speaker) ?? others[0];
  return others.length > 1 && speaker ? { participant: speaker.id, kind: 'camera' } : null;
}

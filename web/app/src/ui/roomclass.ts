// The four room classes and their level. An unknown word counts as the lowest that promises something.

export type RoomClass = 'open' | 'internal' | 'confidential' | 'secret';

const levels: Readonly<Record<RoomClass, number>> = { open: 1, internal: 2, confidential: 3, secret: 4 };

export function roomClass(word: string): { readonly kind: RoomClass; readonly level: number } {
  const kind: RoomClass = Object.hasOwn(levels, word) ? (word as RoomClass) : 'internal';
  return { kind, level: levels[kind] };
}

// What stands for a person without a picture: one or two letters and a quiet colour that stays theirs.

const han = /\p{Script=Han}/u;

/** Chinese names give their last two characters (the given name), others the first letters of two words. */
export function initials(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '') return '?';
  if (han.test(trimmed)) {
    const characters = [...trimmed.replace(/[^\p{Script=Han}]/gu, '')];
    return characters.slice(characters.length > 2 ? -2 : -1).join('');
  }
  const words = trimmed.split(/[\s._-]+/u).filter((word) => word !== '');
  const first = [...(words[0] ?? '?')][0] ?? '?';
  const last = words.length > 1 ? [...(words[words.length - 1] ?? '')][0] ?? '' : '';
  return (first + last).toLocaleUpperCase();
}

export type Tint = 1 | 2 | 3 | 4 | 5 | 6;

/** One of six tints, the same for the same person in every meeting. */
export function tint(id: string): Tint {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return ((sum % 6) + 1) as Tint;
}

import { t } from '../i18n/index.js';
import { roomClass, type RoomClass } from './roomclass.js';

export function Bars({ level }: { readonly level: number }) {
  return <span class="bars" aria-hidden="true">{[1, 2, 3, 4].map((n) => <b key={n} class={n <= level ? 'on' : ''} />)}</span>;
}

export function className(kind: RoomClass): string {
  const m = t();
  return { open: m.classOpen, internal: m.classInternal, confidential: m.classConfidential, secret: m.classSecret }[kind];
}

export function ClassChip({ of }: { readonly of: string }) {
  const { kind, level } = roomClass(of);
  return <span class={`class class-${kind}`}><Bars level={level} />{className(kind)}</span>;
}

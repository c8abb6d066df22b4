// Which screen the address names. Secrets of invitations travel in the fragment and leave the address bar at once.

import { computed, signal } from '@preact/signals';

export type Route =
  | { readonly name: 'home' }
  /** `came`: what a trip to a provider came to, `failed:<code>` or `continue:<path>`. */
  | { readonly name: 'sign-in'; readonly came?: string }
  | { readonly name: 'setup'; readonly token: string }
  | { readonly name: 'invite'; readonly token: string }
  | { readonly name: 'room'; readonly room: string }
  | { readonly name: 'streams'; readonly room: string }
  | { readonly name: 'guests'; readonly room: string }
  | { readonly name: 'guest'; readonly token: string }
  | { readonly name: 'reset'; readonly token: string }
  | { readonly name: 'users' }
  | { readonly name: 'network' }
  /** `came`: how a trip to a provider failed, `failed:<code>`. */
  | { readonly name: 'security'; readonly came?: string }
  /** Where a window ends that went to a provider for a second factor. */
  | { readonly name: 'confirmed'; readonly came?: string }
  | { readonly name: 'not-found' };

/** Room ids: ten characters without l, o and i, so that they can be read aloud. */
const ROOM_ID = /^[a-hjkmnp-z2-9]{10}$/;

export function isRoomId(text: string): boolean {
  return ROOM_ID.test(text);
}

export function parseRoute(pathname: string, fragment: string): Route {
  const path = pathname.replace(/\/+$/, '') || '/';
  const token = fragment.replace(/^#/, '');
  switch (path) {
    case '/':
    case '/index.html':
      return { name: 'home' };
    case '/sign-in':
      return token === '' ? { name: 'sign-in' } : { name: 'sign-in', came: token };
    case '/users':
      return { name: 'users' };
    case '/security':
      return token === '' ? { name: 'security' } : { name: 'security', came: token };
    case '/confirmed':
      return token === '' ? { name: 'confirmed' } : { name: 'confirmed', came: token };
    case '/network':
      return { name: 'network' };
    case '/setup':
      return { name: 'setup', token };
    case '/invite':
      return { name: 'invite', token };
    case '/g':
      return { name: 'guest', token };
    case '/reset':
      return { name: 'reset', token };
  }
  const [inRoom, what] = /^\/r\/([^/]+)\/(streams|guests)$/.exec(path)?.slice(1) ?? [];
  if (inRoom !== undefined && isRoomId(inRoom)) return { name: what === 'guests' ? 'guests' : 'streams', room: inRoom };
  const room = /^\/r\/([^/]+)$/.exec(path)?.[1];
  return room !== undefined && isRoomId(room) ? { name: 'room', room } : { name: 'not-found' };
}

/** What a person typed or pasted to join: a room id (spaces and hyphens allowed), or an invitation link of here. */
export function parseInvitation(text: string): string | null {
  const trimmed = text.trim();
  const inLink = /\/r\/([a-z0-9]+)/i.exec(trimmed)?.[1];
  const id = (inLink ?? trimmed).replace(/[\s-]/g, '').toLowerCase();
  return isRoomId(id) ? id : null;
}

const here = signal<Route>({ name: 'home' });
export const route = computed(() => here.value);

function read(): void {
  here.value = parseRoute(location.pathname, location.hash);
  // A one-time token must not stay in the history, in a screenshot or in a copied address.
  if (location.hash !== '') history.replaceState(null, '', location.pathname);
}

export function startRouter(): void {
  read();
  addEventListener('popstate', read);
}

/** Loads the page anew where it is, with the one-time token that its address lost. */
export function reload(): void {
  const at = here.value;
  const kept = 'token' in at ? at.token : at.name === 'sign-in' ? at.came ?? '' : '';
  if (kept !== '') history.replaceState(null, '', `${location.pathname}#${kept}`);
  location.reload();
}

export function navigate(path: string, options?: { readonly replace?: boolean }): void {
  if (options?.replace === true) history.replaceState(null, '', path);
  else history.pushState(null, '', path);
  read();
  scrollTo(0, 0);
}

/** For links: plain clicks stay in the page, the rest is the browser's. */
export function follow(event: MouseEvent): void {
  const link = (event.currentTarget as HTMLAnchorElement | null)?.getAttribute('href');
  if (link === null || link === undefined || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  navigate(link);
}

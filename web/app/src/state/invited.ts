// Who came by a guest's link: its secret, and that of the visit, which lets the same guest in again. Both stay in this
// tab, so that a reload is not somebody new.

import { signal } from '@preact/signals';
import { api, type GuestCode } from '../api.js';

export interface Invited {
  readonly secret: string;
  /** '' until the first pass. */
  readonly visit: string;
  readonly code: GuestCode;
  readonly sentTo: string;
}

/** Set while the page shows a room by a guest's link. */
export const invited = signal<Invited | null>(null);

const KEY = 'incamera.guest';

function keep(secret: string, visit: string): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ secret, visit }));
  } catch { /* a browser that keeps nothing: a reload asks for the link again */ }
}

function kept(): { secret: string; visit: string } {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as { secret?: unknown; visit?: unknown };
    return { secret: typeof found.secret === 'string' ? found.secret : '', visit: typeof found.visit === 'string' ? found.visit : '' };
  } catch {
    return { secret: '', visit: '' };
  }
}

/** Asks what a link leads to; the address lost its secret after the first look. Returns the room. */
export async function openLink(fromAddress: string): Promise<string> {
  const before = kept();
  const secret = fromAddress === '' ? before.secret : fromAddress;
  let visit = secret === before.secret ? before.visit : '';
  const found = await api.guestLink(secret, visit).catch((error: unknown) => {
    if (visit === '') throw error;
    visit = '';
    return api.guestLink(secret, '');
  });
  keep(secret, visit);
  invited.value = { secret, visit, code: found.code, sentTo: found.sent_to ?? '' };
  return found.room.id;
}

/** The pass to wait at the door with. */
export async function invitedPass(by: Invited, name: string, jkt: string, code: string): Promise<string> {
  const { pass, visit } = await api.guestLobby({ secret: by.secret, name, jkt, ...(by.visit === '' ? {} : { visit: by.visit }), ...(code === '' ? {} : { code }) });
  keep(by.secret, visit);
  invited.value = { ...by, visit };
  return pass;
}

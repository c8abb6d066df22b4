// Who is signed in, as far as the server says.

import { computed, signal } from '@preact/signals';
import { api, ApiError, type Me, type User } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { navigate, route } from './router.js';

export type Session =
  | { readonly state: 'unknown' }
  | { readonly state: 'out' }
  | { readonly state: 'in'; readonly user: User }
  | { readonly state: 'problem'; readonly failure: Failure };

export const session = signal<Session>({ state: 'unknown' });
export const user = computed(() => (session.value.state === 'in' ? session.value.user : null));
export const isAdmin = computed(() => ['sole_admin', 'system_admin', 'security_officer'].includes(user.value?.role ?? ''));

/** The provider that the session began at; '' when that was here. */
export const cameFrom = signal('');
/** Whether the account has a password here. */
export const hasPassword = signal(true);

function isIn(me: Me): void {
  cameFrom.value = me.provider ?? '';
  hasPassword.value = me.password;
  session.value = { state: 'in', user: me.user };
}

/** Where to go after signing in: the room whose link was opened, else home. Memory only. */
const returnTo = signal('/');

export async function loadSession(): Promise<void> {
  try {
    isIn(await api.me());
  } catch (error) {
    const signedOut = error instanceof ApiError && (error.status === 401 || error.status === 403);
    session.value = signedOut ? { state: 'out' } : { state: 'problem', failure: failureOf(error) };
  }
}

/** Asks again what the signed-in person has; what fails changes nothing. */
export async function refreshUser(): Promise<void> {
  try {
    const me = await api.me();
    if (session.value.state === 'in') isIn(me);
  } catch {
    // The next request says it where it matters.
  }
}

export function goSignIn(): void {
  const now = route.value;
  returnTo.value = now.name === 'room' ? `/r/${now.room}` : '/';
  navigate('/sign-in');
}

/** After the last step of signing in: ask the server who this is, then go where the person wanted. */
export async function enter(): Promise<void> {
  await loadSession();
  const path = returnTo.value;
  returnTo.value = '/';
  navigate(session.value.state === 'in' ? path : '/sign-in', { replace: true });
}

/** The page that a person wants to see once signed in, and remembering it. */
export const wanted = (): string => returnTo.value;
export function want(path: string): void {
  if (/^\/(?!\/)/.test(path)) returnTo.value = path;
}

/** Goes to another site of the deployment's choice: a provider's page. */
export function goAbroad(url: string): void {
  const { protocol } = new URL(url);
  if (protocol === 'https:' || protocol === 'http:') location.assign(url);
}

/** Ends all of one's sessions, this one too. */
export async function signOutEverywhere(): Promise<void> {
  await api.endSessions();
  session.value = { state: 'out' };
  navigate('/sign-in');
}

/** Ends the sign-in. The key of this browser stays. */
export async function signOut(): Promise<void> {
  try {
    const answer = await api.signOut();
    if (answer?.url !== undefined) return goAbroad(answer.url);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
  }
  session.value = { state: 'out' };
  navigate('/sign-in');
}

// The HTTP API. One function per call; every failure is an ApiError with a code the error table knows.

import type { Assertion, Attestation, CreationOptions, RequestOptions } from './passkeys.js';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly login: string;
  readonly role: string;
  readonly mfa: { readonly totp: boolean; readonly passkey: boolean };
}
/** Who is signed in here, and how. */
export interface Me {
  readonly user: User;
  /** Whether the account has a password of its own here. */
  readonly password: boolean;
  /** The provider that the session began at. */
  readonly provider?: string;
}
/** Whom one is at a provider. */
export interface Identity {
  readonly id: string;
  readonly provider: string;
  readonly subject: string;
  readonly created_at_ms: number;
  readonly used_at_ms: number;
}
export interface Room {
  readonly id: string;
  readonly title: string;
  readonly class: string;
  readonly link?: string;
}
/** What rooms of a class demand. */
export interface ClassRules {
  readonly class: string;
  readonly acr: string;
  readonly lobby: 'never' | 'guests' | 'always';
  readonly guests: boolean;
  readonly watermark: boolean;
  readonly recording: boolean;
}
/** One's rooms, and the most screens that a room may be made for. */
export interface Rooms {
  readonly rooms: readonly Room[];
  /** The classes of rooms that one may make. */
  readonly classes: readonly ClassRules[];
  readonly default_class: string;
  readonly max_screens: number;
}
export interface RoomFacts {
  readonly id: string;
  readonly title: string;
  readonly class: string;
  readonly e2ee: boolean;
  readonly guests: boolean;
  /** Guests come by a link of a host alone. */
  readonly guests_by_invitation?: boolean;
  readonly screens: number;
}
export interface Enrolment {
  readonly secret: string;
  readonly uri: string;
  readonly qr: string;
}
export interface RoomToken {
  readonly token: string;
  readonly expires_at_ms: number;
}
export interface ListedUser {
  readonly id: string;
  readonly name: string;
  readonly login: string;
  readonly role: string;
}
export interface StreamKey {
  readonly id: string;
  readonly label: string;
  readonly mode: 'publish' | 'play';
  readonly expires_at_ms: number;
  readonly used_at_ms?: number;
  readonly url: string;
  /** Only in the answer to its making. */
  readonly secret?: string;
}
/** What a guest's link asks for besides itself. */
export type GuestCode = 'none' | 'mail' | 'voice';
export interface GuestLink {
  readonly id: string;
  readonly label?: string;
  readonly code: GuestCode;
  readonly mail?: string;
  readonly max_uses: number;
  readonly uses: number;
  readonly expires_at_ms: number;
  readonly state: 'open' | 'used_up' | 'closed' | 'locked';
  /** The code to tell, while one is awaited. */
  readonly spoken?: { readonly code: string; readonly expires_at_ms: number };
  /** Only in the answer to its making. */
  readonly link?: string;
  readonly mail_sent?: boolean;
}
export interface GuestLinks {
  readonly guest_links: readonly GuestLink[];
  /** Whether codes can go by mail. */
  readonly mail: boolean;
}
export interface NewGuestLink {
  readonly label?: string;
  readonly life_ms: number;
  readonly max_uses: number;
  readonly code: GuestCode;
  readonly mail?: string;
  readonly send?: boolean;
}
/** A provider that people sign in at; the titles are what its button says. */
export interface Provider {
  readonly name: string;
  readonly title: string;
  readonly title_zh: string;
}
export type NextStep = 'second_factor' | 'enrol';
export type Way = 'passkey' | 'otp' | 'recovery';
/** What comes after the password. */
export interface Next {
  readonly next: NextStep;
  readonly ways?: readonly Way[];
  /** Administrators took the person's factors away then. */
  readonly factors_reset_at_ms?: number;
}
export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly synced: boolean;
  readonly blocked: boolean;
  readonly created_at_ms: number;
  readonly used_at_ms: number;
}
export interface Factors {
  readonly totp: boolean;
  readonly recovery_left: number;
  readonly passkeys: readonly Passkey[];
}
export interface WebSession {
  readonly id: string;
  readonly current: boolean;
  readonly signed_in: boolean;
  readonly created_at_ms: number;
  readonly assurance?: string;
  readonly address: string;
  readonly agent: string;
}
/** Something that waits for a second administrator. */
export interface Approval {
  readonly id: string;
  readonly kind: string;
  readonly object: string;
  readonly object_name: string;
  /** Who is linked, where that is what waits. */
  readonly detail?: string;
  readonly asked_by: string;
  readonly own: boolean;
  readonly expires_at_ms: number;
}
/** Which second factor a refusal asks for, and how many seconds old it may be (0: the server does not say). */
export interface FactorDemand {
  readonly acr: 'mfa' | 'phishing_resistant';
  readonly maxAge: number;
}

export interface Waiting {
  readonly next: NextStep | 'none';
  readonly ways?: readonly Way[];
  readonly login: string;
}

export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryAfterMs: number;
  readonly demand: FactorDemand | null;
  constructor(code: string, status: number, message: string, retryAfterMs = 0, demand: FactorDemand | null = null) {
    super(message);
    this.demand = demand;
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

function failure(status: number, body: unknown): ApiError {
  const error = (body as { error?: { code?: unknown; message?: unknown; retry_after_ms?: unknown; acr?: unknown; max_age?: unknown } } | null)?.error;
  const code = typeof error?.code === 'string' ? error.code : `http_${status}`;
  const wait = typeof error?.retry_after_ms === 'number' ? error.retry_after_ms : 0;
  const demand = code !== 'second_factor_required' ? null
    : { acr: error?.acr === 'phishing_resistant' ? 'phishing_resistant' as const : 'mfa' as const, maxAge: typeof error?.max_age === 'number' ? error.max_age : 0 };
  return new ApiError(code, status, typeof error?.message === 'string' ? error.message : '', wait, demand);
}

/** Who asks the person for a factor that a request is refused for; true: it was given, and the request goes again. */
let giveFactor: (demand: FactorDemand) => Promise<boolean> = () => Promise.resolve(false);
export function answerFactorDemands(by: typeof giveFactor): void {
  giveFactor = by;
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  try {
    return await callOnce<T>(method, path, body, signal);
  } catch (error) {
    if (!(error instanceof ApiError) || !error.demand || signal?.aborted || !(await giveFactor(error.demand)) || signal?.aborted) throw error;
    return callOnce<T>(method, path, body, signal);
  }
}

async function callOnce<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method, credentials: 'same-origin', cache: 'no-store' };
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, init);
  } catch (cause) {
    throw new ApiError(signal?.aborted ? 'aborted' : 'network', 0, cause instanceof Error ? cause.message : '');
  }
  const text = await response.text().catch(() => '');
  let parsed: unknown = null;
  try {
    parsed = text === '' ? null : JSON.parse(text);
  } catch {
    if (response.ok) throw new ApiError('bad_message', response.status, 'the reply is not JSON');
  }
  if (!response.ok) throw failure(response.status, parsed);
  return parsed as T;
}

/** The second step of a new password: a code, or a passkey's answer. */
export type SecondStep = { readonly code: string } | { readonly passkey: Assertion };

export const api = {
  me: () => call<Me>('GET', '/me'),
  setupNeeded: () => call<{ needed: boolean }>('GET', '/setup'),
  setup: (body: { token: string; login: string; name: string; password: string }) => call<unknown>('POST', '/setup', body),
  acceptInvite: (token: string, password: string) => call<unknown>('POST', '/invite', { token, password }),
  signIn: (login: string, password: string) => call<Next>('POST', '/sign-in', { login, password }),
  signInOptions: () => call<{ public_key: RequestOptions }>('POST', '/sign-in/passkey/options', {}).then((body) => body.public_key),
  signInByPasskey: (answer: Assertion) => call<{ user: User }>('POST', '/sign-in/passkey', answer),
  secondFactor: (code: string) => call<{ user: User }>('POST', '/second-factor', { code }),
  confirmOptions: () => call<{ public_key: RequestOptions }>('POST', '/second-factor/passkey/options', {}).then((body) => body.public_key),
  confirmByPasskey: (answer: Assertion) => call<{ user: User }>('POST', '/second-factor/passkey', answer),
  factors: () => call<Factors>('GET', '/factors'),
  passkeyOptions: () => call<{ public_key: CreationOptions }>('POST', '/factors/passkeys/options', {}).then((body) => body.public_key),
  addPasskey: (name: string, made: Attestation) => call<{ passkey: Passkey; recovery_codes?: readonly string[] }>('POST', '/factors/passkeys', { name, ...made }),
  renamePasskey: (id: string, name: string) => call<unknown>('PATCH', `/factors/passkeys/${id}`, { name }),
  removePasskey: (id: string) => call<unknown>('DELETE', `/factors/passkeys/${id}`),
  removeTotp: () => call<unknown>('DELETE', '/factors/totp'),
  newRecovery: () => call<{ recovery_codes: readonly string[] }>('POST', '/factors/recovery', {}),
  changePassword: (old: string, fresh: string) => call<unknown>('POST', '/password', { old, new: fresh }),
  sessions: () => call<unknown>('GET', '/sessions').then((body) => listOf<WebSession>(body, 'sessions')),
  endSessions: () => call<unknown>('DELETE', '/sessions'),
  identities: () => call<unknown>('GET', '/identities').then((body) => listOf<Identity>(body, 'identities')),
  leaveToLink: (provider: string, back: string) => call<{ url: string }>('POST', `/identities/oidc/${provider}`, { back }),
  unlink: (id: string) => call<unknown>('DELETE', `/identities/${id}`),
  leaveToConfirm: (back: string) => call<{ url: string }>('POST', '/second-factor/oidc', { back }),
  endSession: (id: string) => call<unknown>('DELETE', `/sessions/${id}`),
  resetFactors: (id: string) => call<Approval>('POST', `/users/${id}/reset-factors`, {}),
  approvals: () => call<unknown>('GET', '/approvals').then((body) => listOf<Approval>(body, 'approvals')),
  approve: (id: string) => call<unknown>('POST', `/approvals/${id}/approve`, {}),
  withdraw: (id: string) => call<unknown>('DELETE', `/approvals/${id}`),
  enrolTotp: () => call<Enrolment>('POST', '/factors/totp', {}),
  confirmTotp: (code: string) => call<{ recovery_codes: readonly string[] }>('POST', '/factors/totp/confirm', { code }),
  /** Where people may sign in besides here. */
  providers: () => call<{ password_reset?: boolean }>('GET', '/sign-in/providers').then((body) => ({ list: listOf<Provider>(body, 'providers'), reset: body.password_reset === true })),
  forgotPassword: (account: string) => call<unknown>('POST', '/password/forgot', { account }),
  resetOptions: (token: string) => call<{ public_key: RequestOptions }>('POST', '/password/reset/passkey/options', { token }).then((body) => body.public_key),
  resetPassword: (token: string, password: string, step: SecondStep) => call<unknown>('POST', '/password/reset', { token, password, ...step }),
  leaveFor: (provider: string, back: string) => call<{ url: string }>('POST', `/sign-in/oidc/${provider}`, { back }),
  /** What a sign-in that began elsewhere still waits for. */
  waiting: () => call<Waiting>('GET', '/sign-in'),
  /** `url`: where the page goes to sign out there, too. */
  signOut: () => call<{ url?: string } | null>('POST', '/sign-out', {}),
  users: () => call<unknown>('GET', '/users').then((body) => listOf<ListedUser>(body, 'users')),
  createUser: (body: { login: string; name: string; role: string }) => call<Record<string, unknown>>('POST', '/users', body),
  rooms: () => call<Partial<Rooms>>('GET', '/rooms').then((body): Rooms => ({ rooms: listOf<Room>(body, 'rooms'), classes: listOf<ClassRules>(body, 'classes'), default_class: body.default_class ?? '', max_screens: body.max_screens ?? 1 })),
  /** `screens`: how many may be shared at once; null: as many as the deployment lets. */
  createRoom: (title: string, kind: string, screens: number | null) => call<Room>('POST', '/rooms', { title, ...(kind && { class: kind }), ...(screens !== null && { screens }) }),
  deleteRoom: (id: string) => call<unknown>('DELETE', `/rooms/${id}`),
  streamKeys: (room: string) => call<unknown>('GET', `/rooms/${room}/stream-keys`).then((body) => listOf<StreamKey>(body, 'stream_keys')),
  createStreamKey: (room: string, body: { label: string; mode: StreamKey['mode']; life_ms: number }) => call<StreamKey>('POST', `/rooms/${room}/stream-keys`, body),
  revokeStreamKey: (room: string, id: string) => call<unknown>('DELETE', `/rooms/${room}/stream-keys/${id}`),
  guestLinks: (room: string) => call<GuestLinks>('GET', `/rooms/${room}/guest-links`),
  createGuestLink: (room: string, body: NewGuestLink) => call<GuestLink>('POST', `/rooms/${room}/guest-links`, body),
  revokeGuestLink: (room: string, id: string) => call<unknown>('DELETE', `/rooms/${room}/guest-links/${id}`),
  /** What a guest's link leads to. */
  guestLink: (secret: string, visit: string) => call<{ room: RoomFacts; code: GuestCode; sent_to?: string }>('POST', '/guest/link', visit === '' ? { secret } : { secret, visit }),
  guestCode: (secret: string) => call<unknown>('POST', '/guest/code', { secret }),
  guestLobby: (body: { secret: string; name: string; jkt: string; code?: string; visit?: string }) => call<{ pass: string; visit: string }>('POST', '/guest/lobby', body),
  roomFacts: (id: string) => call<RoomFacts>('GET', `/rooms/${id}`),
  roomToken: (id: string, jkt: string, signal?: AbortSignal) => call<RoomToken>('POST', `/rooms/${id}/token`, { jkt }, signal),
  lobbyPass: (id: string, jkt: string, name: string) => call<{ pass: string }>('POST', `/rooms/${id}/lobby`, { jkt, name }),
} as const;

/** A list that comes bare or under its name. */
function listOf<T>(body: unknown, name: string): readonly T[] {
  const inner = Array.isArray(body) ? body : (body as Record<string, unknown> | null)?.[name];
  return Array.isArray(inner) ? (inner as T[]) : [];
}

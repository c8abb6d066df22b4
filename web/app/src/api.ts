// The HTTP API. One function per call; every failure is an ApiError with a code the error table knows.

export interface User {
  readonly id: string;
  readonly name: string;
  readonly login: string;
  readonly role: string;
  readonly mfa: { readonly totp: boolean; readonly passkey: boolean };
}
export interface Room {
  readonly id: string;
  readonly title: string;
  readonly class: string;
  readonly link?: string;
}
/** One's rooms, and the most screens that a room may be made for. */
export interface Rooms {
  readonly rooms: readonly Room[];
  readonly max_screens: number;
}
export interface RoomFacts {
  readonly id: string;
  readonly title: string;
  readonly class: string;
  readonly e2ee: boolean;
  readonly guests: boolean;
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
/** A provider that people sign in at; the titles are what its button says. */
export interface Provider {
  readonly name: string;
  readonly title: string;
  readonly title_zh: string;
}
export type NextStep = 'second_factor' | 'enrol';

export interface Waiting {
  readonly next: NextStep | 'none';
  readonly login: string;
}

export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryAfterMs: number;
  constructor(code: string, status: number, message: string, retryAfterMs = 0) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

function failure(status: number, body: unknown): ApiError {
  const error = (body as { error?: { code?: unknown; message?: unknown; retry_after_ms?: unknown } } | null)?.error;
  const code = typeof error?.code === 'string' ? error.code : `http_${status}`;
  const wait = typeof error?.retry_after_ms === 'number' ? error.retry_after_ms : 0;
  return new ApiError(code, status, typeof error?.message === 'string' ? error.message : '', wait);
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
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

export const api = {
  me: () => call<{ user: User }>('GET', '/me'),
  setupNeeded: () => call<{ needed: boolean }>('GET', '/setup'),
  setup: (body: { token: string; login: string; name: string; password: string }) => call<unknown>('POST', '/setup', body),
  acceptInvite: (token: string, password: string) => call<unknown>('POST', '/invite', { token, password }),
  signIn: (login: string, password: string) => call<{ next: NextStep }>('POST', '/sign-in', { login, password }),
  secondFactor: (code: string) => call<{ user: User }>('POST', '/second-factor', { code }),
  enrolTotp: () => call<Enrolment>('POST', '/factors/totp', {}),
  confirmTotp: (code: string) => call<{ recovery_codes: readonly string[] }>('POST', '/factors/totp/confirm', { code }),
  /** Where people may sign in besides here. */
  providers: () => call<unknown>('GET', '/sign-in/providers').then((body) => listOf<Provider>(body, 'providers')),
  leaveFor: (provider: string, back: string) => call<{ url: string }>('POST', `/sign-in/oidc/${provider}`, { back }),
  /** What a sign-in that began elsewhere still waits for. */
  waiting: () => call<Waiting>('GET', '/sign-in'),
  /** `url`: where the page goes to sign out there, too. */
  signOut: () => call<{ url?: string } | null>('POST', '/sign-out', {}),
  users: () => call<unknown>('GET', '/users').then((body) => listOf<ListedUser>(body, 'users')),
  createUser: (body: { login: string; name: string; role: string }) => call<Record<string, unknown>>('POST', '/users', body),
  rooms: () => call<Partial<Rooms>>('GET', '/rooms').then((body): Rooms => ({ rooms: listOf<Room>(body, 'rooms'), max_screens: body.max_screens ?? 1 })),
  /** `screens`: how many may be shared at once; null: as many as the deployment lets. */
  createRoom: (title: string, screens: number | null) => call<Room>('POST', '/rooms', screens === null ? { title } : { title, screens }),
  deleteRoom: (id: string) => call<unknown>('DELETE', `/rooms/${id}`),
  streamKeys: (room: string) => call<unknown>('GET', `/rooms/${room}/stream-keys`).then((body) => listOf<StreamKey>(body, 'stream_keys')),
  createStreamKey: (room: string, body: { label: string; mode: StreamKey['mode']; life_ms: number }) => call<StreamKey>('POST', `/rooms/${room}/stream-keys`, body),
  revokeStreamKey: (room: string, id: string) => call<unknown>('DELETE', `/rooms/${room}/stream-keys/${id}`),
  roomFacts: (id: string) => call<RoomFacts>('GET', `/rooms/${id}`),
  roomToken: (id: string, jkt: string, signal?: AbortSignal) => call<RoomToken>('POST', `/rooms/${id}/token`, { jkt }, signal),
  lobbyPass: (id: string, jkt: string, name: string) => call<{ pass: string }>('POST', `/rooms/${id}/lobby`, { jkt, name }),
} as const;

/** A list that comes bare or under its name. */
function listOf<T>(body: unknown, name: string): readonly T[] {
  const inner = Array.isArray(body) ? body : (body as Record<string, unknown> | null)?.[name];
  return Array.isArray(inner) ? (inner as T[]) : [];
}

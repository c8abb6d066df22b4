// Passkeys, as far as the browser goes: the server's questions in, the authenticator's answers out. Bytes travel as
// base64url without padding. Nothing here is kept.

import { ApiError } from './api.js';

/** An authenticator's answer to a sign-in or a confirmation. */
export interface Assertion {
  readonly credential: string;
  readonly client_data: string;
  readonly authenticator_data: string;
  readonly signature: string;
  readonly user_handle?: string;
}
/** An authenticator's new key. */
export interface Attestation {
  readonly client_data: string;
  readonly attestation_object: string;
  readonly transports: readonly string[];
}
interface Described { readonly type: 'public-key'; readonly id: string; readonly transports?: AuthenticatorTransport[] }
/** The server's question, in WebAuthn's JSON form. */
export interface RequestOptions {
  readonly challenge: string;
  readonly timeout?: number;
  readonly rpId?: string;
  readonly allowCredentials?: readonly Described[];
  readonly userVerification?: UserVerificationRequirement;
}
export interface CreationOptions {
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly challenge: string;
  readonly pubKeyCredParams: readonly { readonly type: 'public-key'; readonly alg: number }[];
  readonly timeout?: number;
  readonly excludeCredentials?: readonly Described[];
  readonly authenticatorSelection?: AuthenticatorSelectionCriteria;
  readonly attestation?: AttestationConveyancePreference;
}

/** Whether this browser has passkeys at this address: a host name, on a secure page. */
export function passkeysWork(): boolean {
  const host = location.hostname;
  return isSecureContext && typeof PublicKeyCredential === 'function' && !/^[\d.]+$|:/.test(host);
}

/** Whether the browser offers passkeys in the list of a sign-in field. */
export async function autofillWorks(): Promise<boolean> {
  if (!passkeysWork() || typeof PublicKeyCredential.isConditionalMediationAvailable !== 'function') return false;
  return PublicKeyCredential.isConditionalMediationAvailable().catch(() => false);
}

export function bytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

export function text(data: ArrayBuffer): string {
  let plain = '';
  for (const b of new Uint8Array(data)) plain += String.fromCharCode(b);
  return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

const described = (list: readonly Described[] | undefined) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

/** Asks for a passkey. `autofill` waits quietly until the person picks one in the list of a field. */
export async function askPasskey(options: RequestOptions, { autofill = false, signal }: { autofill?: boolean; signal?: AbortSignal } = {}): Promise<Assertion> {
  const { allowCredentials, ...rest } = options;
  const allowed = described(allowCredentials);
  const publicKey: PublicKeyCredentialRequestOptions = { ...rest, challenge: bytes(options.challenge), ...(allowed ? { allowCredentials: allowed } : {}) };
  const found = await said(navigator.credentials.get({ publicKey, ...(autofill ? { mediation: 'conditional' as const } : {}), ...(signal ? { signal } : {}) }));
  const answer = found.response as AuthenticatorAssertionResponse;
  return {
    credential: text(found.rawId), client_data: text(answer.clientDataJSON), authenticator_data: text(answer.authenticatorData),
    signature: text(answer.signature), ...(answer.userHandle ? { user_handle: text(answer.userHandle) } : {}),
  };
}

/** Makes a passkey on one of the person's devices. */
export async function makePasskey(options: CreationOptions): Promise<Attestation> {
  const publicKey: PublicKeyCredentialCreationOptions = {
    rp: options.rp, user: { ...options.user, id: bytes(options.user.id) }, challenge: bytes(options.challenge), pubKeyCredParams: [...options.pubKeyCredParams],
    excludeCredentials: described(options.excludeCredentials) ?? [],
    ...(options.timeout ? { timeout: options.timeout } : {}),
    ...(options.authenticatorSelection ? { authenticatorSelection: options.authenticatorSelection } : {}),
    ...(options.attestation ? { attestation: options.attestation } : {}),
  };
  const made = await said(navigator.credentials.create({ publicKey }));
  const answer = made.response as AuthenticatorAttestationResponse;
  return { client_data: text(answer.clientDataJSON), attestation_object: text(answer.attestationObject), transports: answer.getTransports?.() ?? [] };
}

/** The browser's refusals in the page's own codes. */
async function said(asked: Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const found = await asked;
    if (found) return found as PublicKeyCredential;
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : '';
    if (name === 'AbortError') throw new ApiError('aborted', 0, '');
    if (name === 'InvalidStateError') throw new ApiError('passkey_exists', 0, '');
    if (name === 'SecurityError' || name === 'NotSupportedError') throw new ApiError('passkeys_unavailable', 0, '');
  }
  throw new ApiError('passkey_cancelled', 0, '');
}

/** A first name for a passkey: the device it is made on, in the words of its maker. */
export function deviceName(agent: string): string {
  return /iPhone|iPad|Android|Windows|Mac|CrOS|Linux/.exec(agent)?.[0].replace('CrOS', 'Chromebook') ?? '';
}

// The client's own key: made for one visit, or kept by the browser (devicekey.ts); it never leaves the browser and proves
// who speaks on a socket.

export interface ProofOf {
  readonly nonce: string;
  readonly audience: string;
  /** The token, pass or ticket that the proof goes with. */
  readonly token: string;
  /** Server clock, so that a wrong local clock does no harm. */
  readonly nowMs: number;
}

export interface ClientKey {
  readonly jkt: string;
  prove(of: ProofOf): Promise<string>;
}

const utf8 = new TextEncoder();

export function base64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

async function sha256(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8.encode(text))));
}

/** A pair whose private half can be used and not read. */
export function makePair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']) as Promise<CryptoKeyPair>;
}

/** A key for one visit. */
export const makeKey = async (): Promise<ClientKey> => keyOf(await makePair());

export async function keyOf(pair: CryptoKeyPair): Promise<ClientKey> {
  const { x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  // RFC 7638: required members only, in this order, without spaces.
  const jkt = await sha256(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`);
  const header = base64url(utf8.encode(JSON.stringify({
    alg: 'ES256', typ: 'incamera-proof+jwt', jwk: { kty: 'EC', crv: 'P-256', x, y },
  })));
  return {
    jkt,
    async prove(of) {
      const payload = base64url(utf8.encode(JSON.stringify({
        nonce: of.nonce, aud: of.audience, ath: await sha256(of.token), iat: Math.floor(of.nowMs / 1000),
      })));
      const signed = `${header}.${payload}`;
      // WebCrypto gives r||s, which is what JWS wants.
      const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, utf8.encode(signed));
      return `${signed}.${base64url(new Uint8Array(signature))}`;
    },
  };
}

// Keys, proofs and signed objects, honest and forged, by the words of docs/protocol.md.
import { X509Certificate, createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const encode = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
export const claimsOf = (jws) => JSON.parse(Buffer.from(jws.split('.')[1], 'base64url'));

/** A client's key with its thumbprint. */
export function clientKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const jkt = createHash('sha256').update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).digest('base64url');
  return {
    jkt,
    prove(token, { nonce, audience }) {
      const head = encode({ alg: 'ES256', typ: 'incamera-proof+jwt', jwk: { kty: 'EC', crv: 'P-256', x, y } });
      const body = encode({ nonce, aud: audience, ath: createHash('sha256').update(token).digest('base64url'), iat: Math.floor(Date.now() / 1000) });
      return `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    },
  };
}

/** Signs claims as the process whose identity is in the directory would. */
export async function signAs(dir, claims, typ = 'incamera-room+jwt') {
  const key = createPrivateKey(await readFile(join(dir, 'identity.key')));
  const leaf = new X509Certificate(await readFile(join(dir, 'identity.crt')));
  const signed = `${encode({ alg: 'EdDSA', typ, x5c: [leaf.raw.toString('base64')] })}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
}

import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify, webcrypto } from 'node:crypto';
import { test } from 'node:test';
import { base64url, makeKey } from '../src/key.js';

globalThis.crypto ??= webcrypto as unknown as Crypto;

test('a proof is a JWS that another implementation verifies, over nonce, audience, token and time', async () => {
  const key = await makeKey();
  const proof = await key.prove({ nonce: 'n0', audience: 'dep', token: 'tok', nowMs: 1_700_000_000_999 });
  const [header = '', payload = '', signature = ''] = proof.split('.');
  const h = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string; typ: string; jwk: Record<string, string> };
  assert.equal(h.alg, 'ES256');
  assert.equal(h.typ, 'incamera-proof+jwt');
  assert.deepEqual(Object.keys(h.jwk), ['kty', 'crv', 'x', 'y'], 'no private part, nothing else');
  const publicKey = createPublicKey({ key: h.jwk as never, format: 'jwk' });
  const good = verify('sha256', Buffer.from(`${header}.${payload}`), { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
  assert.ok(good);
  assert.deepEqual(JSON.parse(Buffer.from(payload, 'base64url').toString()), {
    nonce: 'n0', aud: 'dep', ath: createHash('sha256').update('tok').digest('base64url'), iat: 1_700_000_000,
  });
  const canonical = JSON.stringify({ crv: h.jwk['crv'], kty: h.jwk['kty'], x: h.jwk['x'], y: h.jwk['y'] });
  assert.equal(key.jkt, createHash('sha256').update(canonical).digest('base64url'));
});

test('every visit has its own key', async () => {
  assert.notEqual((await makeKey()).jkt, (await makeKey()).jkt);
});

test('base64url has no padding and no characters of the other alphabet', () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + 251) % 256);
    assert.equal(base64url(bytes), Buffer.from(bytes).toString('base64url'));
  }
});

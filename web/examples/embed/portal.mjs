// The server side of the example: it serves the page and asks InCamera for a token, as an API client, for the person
// who is signed in at the portal. A real portal does this in its own language, behind its own sign-in.
//
//   INCAMERA=https://meet.example.org ROOM=k7m2q9xw4d CLIENT=portal KEY=portal.key.pem PORT=8099 node portal.mjs

import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { INCAMERA: url, ROOM: room, CLIENT: client, KEY: keyFile, PORT: port = '8099', AUDIENCE: audience = url,
  USER_ID: id = 'u-1', USER_NAME: name = 'Ada of the portal' } = process.env;
const key = createPrivateKey(readFileSync(keyFile));
const page = readFileSync(new URL('index.html', import.meta.url));
const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Who we are: a JWT of 30 s signed with our own key (RFC 7523), Ed25519 or P-256. */
function assertion() {
  const ed = key.asymmetricKeyType === 'ed25519';
  const now = Math.floor(Date.now() / 1000);
  const body = `${encode({ alg: ed ? 'EdDSA' : 'ES256', typ: 'JWT' })}.${encode({ iss: client, sub: client, aud: audience, jti: randomUUID(), iat: now, exp: now + 30 })}`;
  return `${body}.${sign(ed ? null : 'sha256', Buffer.from(body), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** A token for one entry of this person, bound to the key that the page has made (jkt). */
async function token(jkt) {
  const person = { id, name }; // from the portal's own session, with its second factor
  const answer = await fetch(`${url}/api/v1/client/rooms/${room}/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${assertion()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user: person, role: 'participant', jkt, amr: ['mfa'], auth_time: Math.floor(Date.now() / 1000) - 60 }),
  });
  return { status: answer.status, body: await answer.text() };
}

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://portal');
  const say = (status, type, body) => response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
  try {
    if (pathname === '/') return say(200, 'text/html; charset=utf-8', page);
    if (pathname === '/meeting') return say(200, 'application/json', JSON.stringify({ url, room }));
    if (pathname === '/token' && request.method === 'POST') {
      const { status, body } = await token(searchParams.get('jkt'));
      return say(status, 'application/json', body);
    }
    return say(404, 'text/plain', 'not found');
  } catch (error) {
    return say(502, 'application/json', JSON.stringify({ error: String(error) }));
  }
}).listen(Number(port), () => process.stdout.write(`portal at http://localhost:${port}/\n`));

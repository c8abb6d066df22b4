// The HTTP half of WHIP and WHEP, for clients that are libraries without one: post an offer, give the answer back, end.

/** Posts an offer. Throws with the status and the words of a refusal. */
export async function post(server, door, key, offer) {
  const r = await fetch(`${server.url}/${door}`, { method: 'POST', headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/sdp' }, body: offer });
  const text = await r.text();
  if (r.status !== 201) throw Object.assign(new Error(`POST /${door}: ${r.status} ${text}`), { status: r.status });
  const location = new URL(r.headers.get('location'), r.url).href;
  return { answer: text, etag: r.headers.get('etag'), location, end: () => end(location, key) };
}

/** Restarts ICE: the offer's new names go up, the answer with the node's new ones and the new tag come back. */
export async function restart(session, key, offer) {
  const names = (sdp) => [/a=ice-ufrag:(.*)\r\n/, /a=ice-pwd:(.*)\r\n/].map((line) => sdp.match(line)[1]);
  const [ufrag, password] = names(offer);
  const r = await fetch(session.location, {
    method: 'PATCH', body: `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${password}\r\n`,
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*' },
  });
  const text = await r.text();
  if (r.status !== 200) throw new Error(`PATCH: ${r.status} ${text}`);
  const [newUfrag, newPassword] = names(text);
  const answer = session.answer.replaceAll(/a=ice-ufrag:.*\r\n/g, `a=ice-ufrag:${newUfrag}\r\n`)
    .replaceAll(/a=ice-pwd:.*\r\n/g, `a=ice-pwd:${newPassword}\r\n`)
    .replaceAll(/a=candidate:.*\r\n/g, '').replace(/(a=end-of-candidates\r\n)/, `${(text.match(/a=candidate:.*\r\n/g) ?? []).join('')}$1`);
  return { answer, etag: r.headers.get('etag') };
}

/** Ends a session and gives the status. */
export async function end(location, key) {
  return (await fetch(location, { method: 'DELETE', headers: { Authorization: `Bearer ${key}` } })).status;
}

/** Waits until f gives something true. */
export async function eventually(what, f, ms = 15_000) {
  for (const until = Date.now() + ms; ;) {
    const value = await f();
    if (value) return value;
    if (Date.now() > until) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((r) => setTimeout(r, 50));
  }
}

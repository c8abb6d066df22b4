// Collects what must never be written down: whatever people type, and whatever the server gives them to keep.

const kept = new Set(['token', 'pass', 'proof', 'ticket', 'nonce', 'password', 'secret', 'invite', 'uri']);

function gather(into, value, key = '') {
  if (typeof value === 'string') {
    if (kept.has(key) && value.length >= 10) into.add(value);
  } else if (Array.isArray(value)) {
    for (const v of value) gather(into, v, key === 'recovery_codes' ? 'secret' : key);
  } else if (value && typeof value === 'object') {
    for (const [k, v] of Object.entries(value)) gather(into, v, k === 'ticket' && typeof v === 'object' ? '' : k);
  }
}

function parse(text) {
  try { return JSON.parse(text); } catch { return null; }
}

/** Follows a Chromium page: bodies of the API both ways, and every frame of its sockets. */
export class Secrets {
  #found = new Set();

  follow(page) {
    const read = (text) => gather(this.#found, parse(String(text ?? '')));
    page.on('request', (r) => { if (r.url().includes('/api/')) read(r.postData()); });
    page.on('response', (r) => { if (r.url().includes('/api/')) r.text().then(read, () => {}); });
    page.on('websocket', (w) => {
      w.on('framesent', (f) => read(f.payload));
      w.on('framereceived', (f) => read(f.payload));
    });
  }

  add(...values) { for (const v of values) this.#found.add(v); }

  get size() { return this.#found.size; }

  /** What of it stands in a text; the signature of a signed object counts as the object. */
  in(text) {
    return [...this.#found].filter((s) => text.includes(s) || (s.split('.').length === 3 && text.includes(s.split('.')[2])));
  }
}

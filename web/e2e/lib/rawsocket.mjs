// A WebSocket client that may break every rule: frames are built by hand.
import { request } from 'node:http';
import { randomBytes } from 'node:crypto';

export const opcode = { text: 1, binary: 2, close: 8, ping: 9 };

/** One frame (RFC 6455 §5.2). */
export function frame(op, payload, { mask = true, fin = true, rsv = 0 } = {}) {
  const n = payload.length;
  const long = n > 65535 ? 8 : n > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + long);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | op;
  head[1] = (mask ? 0x80 : 0) | (long === 8 ? 127 : long === 2 ? 126 : n);
  if (long === 2) head.writeUInt16BE(n, 2);
  if (long === 8) head.writeBigUInt64BE(BigInt(n), 2);
  if (!mask) return Buffer.concat([head, payload]);
  const key = randomBytes(4);
  const body = Buffer.from(payload);
  for (let i = 0; i < n; i++) body[i] ^= key[i & 3];
  return Buffer.concat([head, key, body]);
}

/** An upgraded socket, or an Error with `status` when the server refused. */
export function rawSocket(base, { headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const r = request(`${base}/api/v1/ws`, {
      headers: {
        connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'), 'sec-websocket-protocol': 'incamera.v1', ...headers,
      },
    });
    r.on('upgrade', (_, socket, head) => resolve(new RawSocket(socket, head)));
    r.on('response', (answer) => { answer.resume(); reject(Object.assign(new Error(`refused: ${answer.statusCode}`), { status: answer.statusCode })); });
    r.on('error', reject);
    r.end();
  });
}

class RawSocket {
  #socket;
  #rest;
  #heard = [];
  #waiting = [];
  #id = 1;
  /** The code the server closed with; 1006 when the connection just broke. */
  closed;

  constructor(socket, head) {
    this.#socket = socket;
    this.#rest = head;
    this.closed = new Promise((resolve) => {
      this.ended = resolve;
      socket.on('close', () => { resolve(1006); this.#wake(); });
    });
    socket.on('error', () => {}); // its close follows
    socket.on('data', (data) => { this.#rest = Buffer.concat([this.#rest, data]); this.#read(); });
    this.#read();
  }

  #read() {
    for (;;) {
      const b = this.#rest;
      if (b.length < 2) return;
      let n = b[1] & 127, at = 2;
      if (n === 126) { if (b.length < 4) return; n = b.readUInt16BE(2); at = 4; }
      else if (n === 127) { if (b.length < 10) return; n = Number(b.readBigUInt64BE(2)); at = 10; }
      if (b.length < at + n) return;
      const payload = b.subarray(at, at + n);
      this.#rest = b.subarray(at + n);
      if ((b[0] & 15) === opcode.text) this.#heard.push(JSON.parse(payload));
      if ((b[0] & 15) === opcode.close) {
        this.ended(payload.length >= 2 ? payload.readUInt16BE(0) : 1005);
        this.write(frame(opcode.close, payload.subarray(0, 2)));
      }
      this.#wake();
    }
  }

  #wake() { for (const w of this.#waiting.splice(0)) w(); }

  write(bytes) { if (!this.#socket.destroyed) this.#socket.write(bytes); }
  text(text) { this.write(frame(opcode.text, Buffer.from(text))); }

  /** Waits for the first message that fits, and takes it. */
  async hear(fits, ms = 10_000) {
    const end = Date.now() + ms;
    for (;;) {
      const i = this.#heard.findIndex(fits);
      if (i >= 0) return this.#heard.splice(i, 1)[0];
      if (this.#socket.destroyed || Date.now() > end) throw new Error(`not heard; waiting: ${JSON.stringify(this.#heard).slice(0, 500)}`);
      await new Promise((resolve) => { this.#waiting.push(resolve); setTimeout(resolve, 200); });
    }
  }

  /** Says one body and gives its answer. */
  ask(body) {
    const id = this.#id++;
    this.text(JSON.stringify({ id, ...body }));
    return this.hear((m) => m.re === id);
  }

  async hello() { return (await this.ask({ hello: { protocolMin: 1, protocolMax: 1, client: 'hostile/1' } })).welcome; }

  /** The error that answers nothing in particular, or what the server closed with. */
  error() { return this.hear((m) => m.error).then((m) => m.error.code); }

  destroy() { this.#socket.destroy(); }
}

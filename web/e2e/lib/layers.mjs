// A page of the SDK alone, for looking at what a viewer is sent: served from an origin of its own, with an encoded
// transform that turns every media byte over, as end-to-end encryption would.
import { createServer } from 'node:http';
import { once } from 'node:events';

/** Runs in a worker. VP8's first bytes, VP9's none, and for AV1 an OBU of ours around it all: what packetizers need. */
function cipher() {
  const turn = (b) => b.map((x) => x ^ 0x5a);
  const number = (n) => (n > 127 ? [(n & 127) | 128, ...number(n >> 7)] : [n]);
  /** The OBUs of a temporal unit: type, where each begins, its content, its end. */
  const units = (b) => {
    const found = [];
    for (let at = 0; at < b.length;) {
      const [start, head] = [at, b[at]];
      at += head & 4 ? 2 : 1;
      let size = b.length - at;
      if (head & 2) for (let shift = size = 0, more = true; more; shift += 7, at++) [size, more] = [size | (b[at] & 127) << shift, b[at] > 127];
      found.push({ type: head >> 3 & 15, start, body: at, end: at += size });
    }
    return found;
  };
  const join = (parts) => {
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const p of parts) (out.set(p, at), at += p.length);
    return out;
  };
  const turnVP8 = (b) => {
    const out = turn(b);
    out.set(b.subarray(0, b[0] & 1 ? 3 : 10));
    return out;
  };
  const ways = {
    'video/VP8': { seal: turnVP8, open: turnVP8 },
    'video/VP9': { seal: turn, open: turn },
    'video/AV1': {
      seal(b) {
        const list = units(b);
        const from = list.find((u) => u.type !== 2)?.start ?? 0; // past the temporal delimiter, which is never sent
        const sequence = list.find((u) => u.type === 1 && u.start === from);
        const body = turn(b.subarray(from));
        return join([sequence ? b.slice(sequence.start, sequence.end) : [], [0x32, ...number(body.length)], body]);
      },
      open: (b) => join(units(b).filter((u) => u.type === 6).map((u) => turn(b.subarray(u.body, u.end)))),
    },
  };
  onrtctransform = ({ transformer: { readable, writable, options } }) => {
    void readable.pipeThrough(new TransformStream({
      transform(frame, out) {
        const way = ways[frame.getMetadata().mimeType ?? options.mime];
        if (way) frame.data = way[options.side](new Uint8Array(frame.data)).buffer;
        out.enqueue(frame);
      },
    })).pipeTo(writable);
  };
}

/** Serves the page. */
export async function layersPage() {
  const files = {
    '/': ['text/html', '<!doctype html><title>Layers</title><video autoplay muted playsinline></video>'],
    '/cipher.js': ['text/javascript', `(${cipher})()`],
  };
  const s = createServer((request, response) => {
    const [type, body] = files[request.url] ?? [];
    if (body === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': type }).end(body);
  }).listen(0, '127.0.0.1');
  await once(s, 'listening');
  return { origin: `http://localhost:${s.address().port}`, stop: () => new Promise((done) => { s.closeAllConnections(); s.close(done); }) };
}

/** Enters the room with a token that `mint` makes for the page's key. */
export async function enter(person, { origin, server, client, name, codec, encrypted, camera }) {
  await person.goto(`${origin}/`);
  const jkt = await person.evaluate(async ({ url, room, codec, encrypted, camera }) => {
    const { prepare } = await import(`${url}/sdk/incamera.js`);
    const worker = encrypted ? new Worker('/cipher.js') : null;
    const attachTransforms = (transceiver) => {
      if (!worker) return;
      const side = transceiver.direction === 'sendonly' ? 'seal' : 'open';
      const end = side === 'seal' ? transceiver.sender : transceiver.receiver;
      end.transform = new RTCRtpScriptTransform(worker, { side, mime: `video/${codec.toUpperCase()}` });
    };
    globalThis.prepared = prepare({
      url, room, codec, ...(encrypted && { attachTransforms }), publish: { mic: false, camera: camera !== null, screen: false },
    });
    return globalThis.prepared.jkt;
  }, { url: server.url, room: client.room, codec, encrypted, camera });
  const { status, body } = await client.post(`rooms/${client.room}/tokens`, {
    user: { id: name, name }, role: 'participant', jkt, amr: ['mfa'], auth_time: Math.floor(Date.now() / 1000) - 60,
  });
  if (status >= 300) throw new Error(`no token: ${JSON.stringify(body)}`);
  await person.evaluate(async ({ token, camera }) => {
    let track;
    if (camera) [track] = (await navigator.mediaDevices.getUserMedia({ video: camera })).getVideoTracks();
    globalThis.room = await globalThis.prepared.connect({ token, mic: false, camera: track ?? false });
  }, { token: body.token, camera });
}

/** Asks for the only camera in the room at this width, and gives what is decoded of it since. */
export function wish(person, width) {
  return person.evaluate((w) => {
    const room = globalThis.room;
    const other = [...room.state.participants.values()].find((p) => p.id !== room.self.id && p.media.some((m) => m.kind === 'camera' && m.on));
    if (!other) throw new Error('nobody shows a camera');
    const element = document.querySelector('video');
    room.watch([{ participant: other.id, kind: 'camera', width: w, height: Math.round(w * 9 / 16), element }]);
  }, width);
}

/** The video that is received: size, frames decoded, pictures asked for. */
export async function received(person) {
  const [r] = (await person.inbound('video')).filter((s) => (s.framesDecoded ?? 0) > 0 || (s.packetsReceived ?? 0) > 0);
  return r ? { width: r.frameWidth ?? 0, frames: r.framesDecoded ?? 0, asked: r.pliCount ?? 0 } : { width: 0, frames: 0, asked: 0 };
}

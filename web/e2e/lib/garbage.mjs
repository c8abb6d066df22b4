// Datagrams that look like STUN, DTLS, RTP and RTCP, or like nothing at all. Loopback only.
import { createSocket } from 'node:dgram';
import { randomBytes, randomInt } from 'node:crypto';

/** A binding request with this user name and an integrity that nobody signed. */
function stun(user) {
  const name = Buffer.from(user);
  const padded = Buffer.concat([name, Buffer.alloc((4 - (name.length % 4)) % 4)]);
  const attribute = (type, value, n = value.length) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(n, 2);
    return Buffer.concat([head, value]);
  };
  const body = Buffer.concat([attribute(6, padded, name.length), attribute(8, randomBytes(20)), attribute(0x8028, randomBytes(4))]);
  const head = Buffer.alloc(8);
  head.writeUInt16BE(1, 0);
  head.writeUInt16BE(body.length, 2);
  head.writeUInt32BE(0x2112a442, 4);
  return Buffer.concat([head, randomBytes(12), body]);
}

function kinds(ufrag) {
  const some = (max) => randomBytes(randomInt(1, max));
  const rtp = (first, pt) => Buffer.concat([Buffer.from([first, pt]), some(1200)]);
  return [
    () => some(1400),
    () => Buffer.from([randomInt(256)]),
    () => stun(`${randomBytes(8).toString('hex')}:x`),
    () => stun(`${ufrag}:wrong`), // a real user name, a wrong signature
    () => stun(`${ufrag}:cut`).subarray(0, randomInt(4, 40)),
    () => Buffer.concat([Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0]), some(300)]), // DTLS 1.2 handshake
    () => Buffer.concat([Buffer.from([23, 0xfe, 0xfd]), some(600)]),
    () => rtp(0x80, 111),
    () => rtp(0x90, 96), // an extension that may be longer than the packet
    () => rtp(0xbf, 0x80 | 96), // padding, extension, 15 CSRCs
    () => rtp(0x81, 200), // RTCP
  ];
}

/** Sends `count` datagrams over these ports from a few sockets, in small bursts; gives the number sent. */
export async function flood({ ports, count, ufrag }) {
  const make = kinds(ufrag);
  const sockets = Array.from({ length: 4 }, () => createSocket('udp4'));
  let sent = 0;
  while (sent < count) {
    const burst = Math.min(200, count - sent);
    await Promise.all(Array.from({ length: burst }, (_, i) => new Promise((done) => {
      const n = sent + i;
      sockets[n % sockets.length].send(make[n % make.length](), ports[n % ports.length], '127.0.0.1', () => done());
    })));
    sent += burst;
    await new Promise((r) => setTimeout(r, 5)); // the two people keep their share of the machine
  }
  for (const s of sockets) s.close();
  return sent;
}

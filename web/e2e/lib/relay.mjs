// A mail relay on this machine that keeps what it is given.
import { createServer } from 'node:net';
import { once } from 'node:events';

/** Starts it; `next()` waits for the next message: {to, subject, text}. */
export async function relay() {
  const got = [];
  let waiting = [];
  const server = createServer((socket) => {
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    let buffer = '';
    let data = null;
    let to = '';
    socket.write('220 relay\r\n');
    socket.on('data', (chunk) => {
      buffer += chunk;
      for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (data) {
          if (line !== '.') { data.push(line.replace(/^\./, '')); continue; }
          got.push(message(to, data));
          data = null;
          socket.write('250 ok\r\n');
          waiting = waiting.filter((look) => !look());
        } else if (/^EHLO/i.test(line)) socket.write('250-relay\r\n250 8BITMIME\r\n');
        else if (/^RCPT/i.test(line)) { to = /<(.*)>/.exec(line)?.[1] ?? ''; socket.write('250 ok\r\n'); }
        else if (/^DATA/i.test(line)) { data = []; socket.write('354 go on\r\n'); }
        else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    env: { INCAMERA_MAIL_ADDRESS: `127.0.0.1:${server.address().port}`, INCAMERA_MAIL_TLS: 'off', INCAMERA_MAIL_FROM: 'InCamera <noreply@example.org>' },
    next: (ms = 20_000) => new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no mail came')), ms);
      const look = () => {
        if (got.length === 0) return false;
        clearTimeout(timer);
        resolve(got.shift());
        return true;
      };
      if (!look()) waiting.push(look);
    }),
    stop: () => new Promise((done) => { server.close(done); }),
  };
}

function message(to, lines) {
  const at = lines.indexOf('');
  const body = lines.slice(at + 1).join('\n').replace(/=\n/g, '');
  const bytes = body.replace(/=([0-9A-F]{2})/g, (_, hex) => `%${hex}`).replace(/%(?![0-9A-F]{2})/g, '%25');
  return { to, head: lines.slice(0, at), text: decodeURIComponent(bytes) };
}

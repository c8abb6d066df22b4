// A network address translator as a program: node natbox.mjs HOST PORT:TO [PORT:TO …]. Each client address gets a port
// of its own towards HOST:TO; a line "rebind" on its standard input gives all of them new ones.
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

const [host, ...ports] = process.argv.slice(2);
const bindings = new Map();

function outside(key, inside, client, to) {
  const socket = createSocket('udp4');
  socket.on('message', (data) => inside.send(data, client.port, client.address));
  socket.on('error', () => {});
  bindings.set(key, { socket, again: () => outside(key, inside, client, to), send: (data) => socket.send(data, to, host) });
}

for (const pair of ports) {
  const [port, to] = pair.split(':').map(Number);
  const inside = createSocket('udp4');
  inside.on('message', (data, client) => {
    const key = `${port} ${client.address} ${client.port}`;
    if (!bindings.has(key)) outside(key, inside, client, to);
    bindings.get(key).send(data);
  });
  inside.bind(port, host, () => console.log(`translating ${port}`));
}

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line !== 'rebind') return;
  for (const b of [...bindings.values()]) {
    b.socket.close();
    b.again();
  }
  console.log('rebound');
});

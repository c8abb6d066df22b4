// The network: two clients and a server in namespaces of their own, each client behind a line of the relay.
//
//   nettest-…-sender  eth0 ══ relay ══ nt-sender  nettest-…-server (10.77.0.1)  nt-viewer ══ relay ══ eth0  nettest-…-viewer
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const built = new URL('../../../build/nettest/', import.meta.url).pathname;
export const serverAddress = '10.77.0.1';
const clients = { sender: 1, viewer: 2 };

/** A line that is only 40 ms away: 20 ms each way. */
export const clean = { delay_ms: 20 };

export class Network {
  #name; #relay; #waiting = new Map(); #nextId = 1; #address = {};

  constructor(name) { this.#name = name; }

  namespace(who) { return `${this.#name}-${who}`; }

  async start(seed) {
    const lines = Object.keys(clients).flatMap((who) => ['-link', `${who}=${this.namespace(who)}:eth0,${this.namespace('server')}:nt-${who}`]);
    this.#relay = spawn(`${built}relay`, ['-seed', String(seed), ...lines], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ready = new Promise((done, fail) => {
      this.#waiting.set(0, done);
      this.#relay.once('exit', (code) => fail(new Error(`the relay ended with ${code}`)));
    });
    createInterface({ input: this.#relay.stdout }).on('line', (line) => {
      const answer = JSON.parse(line);
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    await ready;
    await this.#ip('server', 'addr', 'add', `${serverAddress}/32`, 'dev', 'lo');
    for (const [who, number] of Object.entries(clients)) {
      await this.#ip('server', 'link', 'set', `nt-${who}`, 'up', 'mtu', '1500');
      // The server answers from the address it advertises, whichever line the packet takes.
      await this.#ip('server', 'route', 'add', `10.77.${number}.0/24`, 'dev', `nt-${who}`, 'src', serverAddress);
      await this.#ip(who, 'link', 'set', 'eth0', 'up', 'mtu', '1500');
      await this.#settle(who, `10.77.${number}.2`);
    }
    await this.reset();
  }

  stop() { this.#relay?.stdin.end(); }

  /** Both lines clean, nothing blocked or shaped. */
  async reset() {
    await this.unblock();
    for (const who of Object.keys(clients)) {
      await this.unshape(who);
      await this.line(who, { up: clean, down: clean });
    }
  }

  /** What a client's line does from now on; up: from the client. */
  async line(who, { up, down }) {
    if (up) await this.#ask({ link: who, dir: 'up', set: up });
    if (down) await this.#ask({ link: who, dir: 'down', set: down });
  }

  /** Counters of both directions; WaitedMs is the longest wait in the queue since the last call. */
  counters(who) { return this.#ask({ link: who }); }

  /** The client's UDP ports get other numbers outside. The first time turns translation on, which does the same. */
  rebind(who) { return this.#ask({ link: who, nat: true }); }

  /** The client's only address is another one from now on. */
  async move(who) {
    const old = this.#address[who];
    const last = Number(old.split('.')[3]);
    await this.#settle(who, old.replace(/\d+$/, String(last >= 250 ? 2 : last + 1)));
    await this.#ip(who, 'addr', 'del', `${old}/32`, 'dev', 'eth0');
    await this.#ip(who, 'route', 'replace', 'default', 'dev', 'eth0');
  }

  /** Nothing of a protocol passes between a client and the server any more. */
  async block(who, protocol) {
    await this.#iptables('-A', 'INPUT', '-i', `nt-${who}`, '-p', protocol, '-j', 'DROP');
    await this.#iptables('-A', 'OUTPUT', '-o', `nt-${who}`, '-p', protocol, '-j', 'DROP');
  }

  /** Only one TCP port of the server can be reached by a client. */
  async allowOnly(who, port) {
    await this.#iptables('-A', 'INPUT', '-i', `nt-${who}`, '-p', 'tcp', '--dport', String(port), '-j', 'ACCEPT');
    await this.#iptables('-A', 'OUTPUT', '-o', `nt-${who}`, '-p', 'tcp', '--sport', String(port), '-j', 'ACCEPT');
    await this.#iptables('-A', 'INPUT', '-i', `nt-${who}`, '-j', 'DROP');
    await this.#iptables('-A', 'OUTPUT', '-o', `nt-${who}`, '-j', 'DROP');
  }

  async unblock() {
    await this.#iptables('-F', 'INPUT');
    await this.#iptables('-F', 'OUTPUT');
  }

  /** Shapes what goes to a client with the kernel's own token bucket, before the relay. */
  async shape(who, rate, queueMs = 200) {
    await run('tc', ['qdisc', 'replace', 'dev', `nt-${who}`, 'root', 'tbf', 'rate', `${rate}bit`, 'burst', '4000', 'latency', `${queueMs}ms`]);
  }

  async unshape(who) {
    await run('tc', ['qdisc', 'del', 'dev', `nt-${who}`, 'root']).catch(() => {}); // there was none
  }

  async shaped(who) {
    const [q] = JSON.parse((await run('tc', ['-s', '-j', 'qdisc', 'show', 'dev', `nt-${who}`])).stdout);
    return { bytes: q.bytes, packets: q.packets, drops: q.drops };
  }

  /** A command line that runs in a client's namespace. */
  inside(who, program, args) { return ['ip', ['netns', 'exec', this.namespace(who), program, ...args]]; }

  async #settle(who, address) {
    await this.#ip(who, 'addr', 'add', `${address}/32`, 'dev', 'eth0');
    await this.#ip(who, 'route', 'replace', 'default', 'dev', 'eth0');
    this.#address[who] = address;
  }

  async #ip(who, ...args) { await run('ip', ['-n', this.namespace(who), ...args]); }
  async #iptables(...args) { await run('iptables', ['-w', ...args]); } // of the server's namespace: we run in it

  async #ask(command) {
    const id = this.#nextId++;
    const answer = new Promise((done) => this.#waiting.set(id, done));
    this.#relay.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    const a = await answer;
    if (a.error) throw new Error(`relay: ${a.error}`);
    return a;
  }
}

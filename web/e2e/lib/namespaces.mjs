// Two hosts on one machine: a server and a client in network namespaces of their own, a wire between them. Needs root.
import { execFile, execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Why namespaces cannot be made here, or null. */
export function namespacesMissing() {
  try {
    execFileSync('ip', ['netns', 'list']);
    const probe = `mobility-${process.pid}-probe`;
    execFileSync('ip', ['netns', 'add', probe]);
    execFileSync('ip', ['netns', 'del', probe]);
    return null;
  } catch (e) {
    return `no network namespaces here: ${String(e.message).split('\n')[0]}`;
  }
}

/** A server at 10.77.0.1 and a client at 10.77.0.2; the client's address and firewall can be changed. */
export class Wire {
  constructor(name = 'mobility') {
    this.server = `${name}-${process.pid}-s`;
    this.client = `${name}-${process.pid}-c`;
    this.serverIP = '10.77.0.1';
    this.clientIP = '10.77.0.2';
    this.prefix = ['ip', 'netns', 'exec', this.server];
  }

  async up() {
    const ends = [[this.server, 'wire-s', this.serverIP], [this.client, 'wire-c', this.clientIP]];
    for (const [ns] of ends) await run('ip', ['netns', 'add', ns]);
    await run('ip', ['link', 'add', 'wire-s', 'netns', this.server, 'type', 'veth', 'peer', 'name', 'wire-c', 'netns', this.client]);
    for (const [ns, device, ip] of ends) {
      await run('ip', ['-n', ns, 'link', 'set', 'lo', 'up']);
      await run('ip', ['-n', ns, 'link', 'set', device, 'up']);
      await run('ip', ['-n', ns, 'addr', 'add', `${ip}/24`, 'dev', device]);
    }
    // A route of last resort: without one a browser believes that it is offline.
    await run('ip', ['-n', this.client, 'route', 'add', 'default', 'via', this.serverIP]);
    this.dir = await mkdtemp(join(tmpdir(), 'incamera-wire-'));
    return this;
  }

  /** A program that runs another one on the client's host. */
  async onClient(program) {
    const path = join(this.dir, `on-client-${program.replaceAll('/', '-')}`);
    await writeFile(path, `#!/bin/sh\nexec ip netns exec ${this.client} ${program} "$@"\n`);
    await chmod(path, 0o755);
    return path;
  }

  /** Gives an address a name on the client's host: programs that begin there from now on know it. */
  async named(ip, name) {
    this.etc = `/etc/netns/${this.client}`; // what `ip netns exec` lays over /etc
    await mkdir(this.etc, { recursive: true });
    await writeFile(join(this.etc, 'hosts'), `127.0.0.1 localhost\n${ip} ${name}\n`);
    await writeFile(join(this.etc, 'resolv.conf'), 'nameserver 127.0.0.1\n'); // where nobody listens: what hosts does not say fails at once
  }

  /** The client comes to another network: the old address and its route are gone, another one comes. */
  async readdress(ip) {
    await run('ip', ['-n', this.client, 'addr', 'del', `${this.clientIP}/24`, 'dev', 'wire-c']);
    await run('ip', ['-n', this.client, 'addr', 'add', `${ip}/24`, 'dev', 'wire-c']);
    await run('ip', ['-n', this.client, 'route', 'add', 'default', 'via', this.serverIP]);
    this.clientIP = ip;
  }

  /** A command on one of the hosts. */
  exec(ns, ...command) { return run('ip', ['netns', 'exec', ns, ...command]); }

  async down() {
    for (const ns of [this.server, this.client]) await run('ip', ['netns', 'del', ns]).catch(() => {});
    if (this.etc) await rm(this.etc, { recursive: true, force: true });
    if (this.dir) await rm(this.dir, { recursive: true, force: true });
  }
}

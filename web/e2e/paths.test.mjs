// People whose networks pass no UDP, or nothing but TLS, or only IPv6. The browsers run on a host of their own, behind a
// firewall: the meeting itself is web/e2e/lib/paths.mjs, which runs there.
import { test, after, before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Wire, namespacesMissing } from './lib/namespaces.mjs';

const skip = namespacesMissing() ?? false;

describe('people behind firewalls', { skip, timeout: 570_000 }, () => {
  let wire;
  before(async () => {
    wire = await new Wire('paths').up();
    for (const [ns, device, address] of [[wire.server, 'wire-s', 'fd77::1'], [wire.client, 'wire-c', 'fd77::2']]) {
      await wire.exec(ns, 'ip', 'addr', 'add', `${address}/64`, 'dev', device, 'nodad');
    }
    await wire.named(wire.serverIP, 'meet.test'); // Firefox takes no TURN over TLS at a bare address
    await wire.exec(wire.client, 'ip6tables', '-A', 'OUTPUT', '-o', 'wire-c', '-j', 'REJECT');
    await wire.exec(wire.server, 'iptables', '-A', 'INPUT', '-i', 'wire-s', '-p', 'udp', '-j', 'DROP');
  });
  after(() => wire?.down());

  test('they are in the meeting over TCP, the relay, and IPv6', async () => {
    const inside = new URL('./lib/paths.mjs', import.meta.url).pathname;
    const child = spawn('ip', ['netns', 'exec', wire.client, process.execPath, '--test', '--test-reporter=spec', inside], {
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, PATHS_SERVER: wire.server, PATHS_SERVER_IP: wire.serverIP, PATHS_SERVER_NAME: 'meet.test' }, stdio: 'inherit',
    });
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidateOf, relayKind, testConnectivity } from '../src/connectivity.js';

test('a candidate belongs to one direct way; relays lead to UDP', () => {
  const udp4 = 'a=candidate:1 1 udp 2130706431 192.0.2.1 8490 typ host';
  const udp6 = 'a=candidate:2 1 UDP 2130706431 2001:db8::1 8490 typ host';
  const tcp = 'a=candidate:3 1 tcp 1671430143 192.0.2.1 443 typ host tcptype passive';
  const ways = ['udp4', 'udp6', 'tcp', 'turn_tls'] as const;
  assert.deepEqual([udp4, udp6, tcp].map((c) => ways.filter((w) => candidateOf(c, w))), [['udp4', 'turn_tls'], ['udp6', 'turn_tls'], ['tcp']]);
});

test('the address of a relay says which way it is', () => {
  assert.deepEqual(['turn:h:3478', 'turn:h:3478?transport=udp', 'turn:h:443?transport=tcp', 'turns:h:443?transport=tcp', 'turns:[::1]:443', 'stun:h'].map(relayKind),
    ['turn_udp', 'turn_udp', 'turn_tcp', 'turn_tls', 'turn_tls', null]);
});

test('without WebRTC nothing is tested', async () => {
  await assert.rejects(testConnectivity({ url: 'https://x' }), /WebRTC/);
});

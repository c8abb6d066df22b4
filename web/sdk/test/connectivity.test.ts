import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidateOf, hostOf, relayKind, testConnectivity, whyNot, type Trace } from '../src/connectivity.js';

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

test('why a way does not connect', () => {
  const seen = (facts: Partial<Trace> = {}): Trace => ({ address: false, error: false, refused: false, gathered: false, checked: false, ...facts });
  assert.equal(whyNot('udp4', '192.0.2.1:8490', seen({ address: true, gathered: true })), 'blocked');
  assert.equal(whyNot('udp6', '[2001:db8::1]:8490', seen()), 'no_address');
  assert.equal(whyNot('udp6', '[2001:db8::1]:8490', seen({ address: true })), 'blocked');
  assert.equal(whyNot('tcp', '192.0.2.1:443', seen({ checked: true })), 'altered');
  assert.equal(whyNot('turn_udp', 'meet.test:3478', seen()), 'blocked');
  assert.equal(whyNot('turn_udp', 'meet.test:3478', seen({ error: true, refused: true, gathered: true })), 'refused');
  assert.equal(whyNot('turn_tcp', 'meet.test:443', seen({ error: true, gathered: true })), 'cut');
  assert.equal(whyNot('turn_tcp', 'meet.test:443', seen({ address: true, gathered: true })), 'dead_end');
  assert.equal(whyNot('turn_tls', 'meet.test:443', seen({ gathered: true })), 'cut');
  assert.equal(whyNot('turn_tls', '192.0.2.1:443', seen({ gathered: true })), 'by_name', 'Firefox');
  assert.equal(whyNot('turn_tls', '192.0.2.1:443', seen({ gathered: true, error: true })), 'cut', 'Chromium tells of an error');
});

test('a host without its port', () => {
  assert.deepEqual(['meet.test:443', '192.0.2.1:8490', '[2001:db8::1]:443'].map(hostOf), ['meet.test', '192.0.2.1', '2001:db8::1']);
});

test('without WebRTC nothing is tested', async () => {
  await assert.rejects(testConnectivity({ url: 'https://x' }), /WebRTC/);
});

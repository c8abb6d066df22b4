import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sameNetwork } from '../src/ui/address.js';
import { initials, tint } from '../src/ui/initials.js';
import { inviteLinkFrom } from '../src/ui/invitelink.js';
import { pictureOf } from '../src/ui/qr.js';
import { roomClass } from '../src/ui/roomclass.js';

test('initials suit the script of the name', () => {
  for (const [name, want] of [['Lin Yue', 'LY'], ['林悦', '悦'], ['王若溪', '若溪'], ['欧阳娜娜', '娜娜'], ['marc', 'M'], ['lin.yue', 'LY'], ['  ', '?'], ['João da Silva', 'JS'], ['😀 Face', '😀F']] as const) {
    assert.equal(initials(name), want, name);
  }
});

test('a person keeps one of six tints', () => {
  const seen = new Set(Array.from({ length: 200 }, (_, n) => tint(`p_${n}`)));
  assert.deepEqual([...seen].sort(), [1, 2, 3, 4, 5, 6]);
  assert.equal(tint('p_abc'), tint('p_abc'));
});

test('an invitation link is made from a whole link or from a token alone', () => {
  assert.equal(inviteLinkFrom({ link: '/invite#abc' }, 'https://m.example'), 'https://m.example/invite#abc');
  assert.equal(inviteLinkFrom({ token: 'abc' }, 'https://m.example'), 'https://m.example/invite#abc');
  assert.equal(inviteLinkFrom({}, 'https://m.example'), '');
});

test('the QR picture may come as data URL, SVG or base64', () => {
  assert.equal(pictureOf('data:image/png;base64,AA'), 'data:image/png;base64,AA');
  assert.equal(pictureOf('<svg/>'), 'data:image/svg+xml,%3Csvg%2F%3E');
  assert.equal(pictureOf('AA=='), 'data:image/png;base64,AA==');
});

test('addresses of one network are told as such', () => {
  for (const [a, b, want] of [
    ['192.0.2.1', '192.0.2.1', true], ['192.0.2.1', '192.0.2.2', false], ['', '', false], ['2001:db8:1:2::1', '2001:db8:1:2:9:8:7:6', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false], ['2001:db8::1', '2001:db8:0:0:5::1', true], ['::1', '::2', true], ['::1', '127.0.0.1', false],
  ] as const) assert.equal(sameNetwork(a, b), want, `${a} ${b}`);
});

test('an unknown room class is not taken for a higher one', () => {
  assert.deepEqual(roomClass('secret'), { kind: 'secret', level: 4 });
  assert.equal(roomClass('constructor').kind, 'internal');
});

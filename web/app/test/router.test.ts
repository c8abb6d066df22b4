import './scene.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInvitation, parseRoute } from '../src/state/router.js';

test('addresses lead to their screens', () => {
  assert.deepEqual(parseRoute('/', ''), { name: 'home' });
  assert.deepEqual(parseRoute('/sign-in/', ''), { name: 'sign-in' });
  assert.deepEqual(parseRoute('/sign-in', '#failed:x'), { name: 'sign-in', came: 'failed:x' });
  assert.deepEqual(parseRoute('/security', '#failed:x'), { name: 'security', came: 'failed:x' });
  assert.deepEqual(parseRoute('/confirmed', ''), { name: 'confirmed' });
  assert.deepEqual(parseRoute('/setup', '#abc'), { name: 'setup', token: 'abc' });
  assert.deepEqual(parseRoute('/invite', ''), { name: 'invite', token: '' });
  assert.deepEqual(parseRoute('/r/k7m2q9xw4d', ''), { name: 'room', room: 'k7m2q9xw4d' });
  assert.deepEqual(parseRoute('/g', '#gl_x'), { name: 'guest', token: 'gl_x' });
  assert.deepEqual(parseRoute('/reset', '#abc'), { name: 'reset', token: 'abc' });
  assert.deepEqual(parseRoute('/r/k7m2q9xw4d/guests', ''), { name: 'guests', room: 'k7m2q9xw4d' });
  assert.deepEqual(parseRoute('/r/k7m2q9xw4d/streams', ''), { name: 'streams', room: 'k7m2q9xw4d' });
  assert.deepEqual(parseRoute('/users', ''), { name: 'users' });
  assert.deepEqual(parseRoute('/network', ''), { name: 'network' });
});

test('what is no address of the app is told so', () => {
  for (const path of ['/r/', '/r/short', '/r/k7m2q9xw4d/x', '/r/K7M2Q9XW4D', '/r/k7m2q9xwlo', '/nowhere', '/r/%2e%2e', '/r/<script>']) {
    assert.deepEqual(parseRoute(path, ''), { name: 'not-found' }, path);
  }
});

test('codes and links that people paste are understood', () => {
  for (const text of ['k7m2q9xw4d', ' K7M2 Q9XW 4D ', 'k7m2-q9xw-4d', 'https://meet.example.org/r/k7m2q9xw4d', 'Budget\nhttps://meet.example.org/r/k7m2q9xw4d?x']) {
    assert.equal(parseInvitation(text), 'k7m2q9xw4d', text);
  }
  for (const text of ['', 'hello', 'https://meet.example.org/', '482-913-067', 'k7m2q9xw4do']) assert.equal(parseInvitation(text), null, text);
});

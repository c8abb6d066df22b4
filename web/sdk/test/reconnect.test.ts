import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff } from '../src/reconnect.js';
import { endOf } from '../src/session.js';
import { socketUrl } from '../src/socket.js';

test('waits double up to a maximum, with jitter, and end', () => {
  const lazy = backoff({ random: () => 0.999 });
  const eager = backoff({ random: () => 0 });
  assert.ok((lazy.next(1) ?? 0) <= 200, 'the first try is almost at once');
  for (let attempt = 2; attempt <= 20; attempt++) {
    const most = lazy.next(attempt) as number;
    const least = eager.next(attempt) as number;
    assert.ok(least > 0 && least < most && most <= 10_000, `attempt ${attempt}`);
    assert.ok(most >= (lazy.next(attempt - 1) as number), 'never sooner than before');
  }
  assert.equal(lazy.next(21), null);
});

test('the schedule lasts about as long as a ticket', () => {
  let total = 0;
  const policy = backoff({ random: () => 0.5 });
  for (let attempt = 1; policy.next(attempt) !== null; attempt++) total += policy.next(attempt) as number;
  assert.ok(total > 90_000 && total < 150_000, String(total));
});

test('which closes end a session and which are worth another try', () => {
  const bye = (reason: string) => ({ code: 1000, bye: { reason, byName: 'Ada' } });
  for (const reason of ['left', 'removed', 'banned', 'ended', 'replaced', 'expired', 'revoked']) {
    assert.deepEqual(endOf(bye(reason)), { reason, byName: 'Ada' });
  }
  assert.equal(endOf(bye('draining')), null);
  assert.equal(endOf(bye('a reason of tomorrow')), null);
  for (const code of [1000, 1001, 1006, 4000, 4400, 4408, 4413, 4429]) assert.equal(endOf({ code, bye: null }), null, String(code));
  assert.equal(endOf({ code: 4409, bye: null })?.reason, 'replaced');
  assert.equal(endOf({ code: 4401, bye: null })?.reason, 'unauthorized');
});

test('the address of the socket', () => {
  assert.equal(socketUrl('https://meet.example.org'), 'wss://meet.example.org/api/v1/ws');
  assert.equal(socketUrl('http://localhost:8080/'), 'ws://localhost:8080/api/v1/ws');
  assert.equal(socketUrl('https://example.org/meet/?x#y'), 'wss://example.org/meet/api/v1/ws');
  assert.throws(() => socketUrl('javascript:alert(1)'));
  assert.throws(() => socketUrl('meet'));
});

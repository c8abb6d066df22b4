import './scene.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../src/api.js';
import { bytes, deviceName, text } from '../src/passkeys.js';
import { session } from '../src/state/session.js';
import { answered, askFactor, asking, withFactor } from '../src/state/stepup.js';

const user = { id: 'u1', name: 'Lin Yue', login: 'lin.yue', role: 'user', mfa: { totp: true, passkey: true } };
const refused = (acr: 'mfa' | 'phishing_resistant') => new ApiError('second_factor_required', 403, '', 0, { acr, maxAge: 600 });
const signIn = () => { session.value = { state: 'in', user }; };

/** A request that is refused once, and counts how often it was sent. */
function request(error: unknown) {
  const sent = { times: 0 };
  return { sent, run: () => { sent.times++; return sent.times === 1 ? Promise.reject(error) : Promise.resolve('done'); } };
}

test('a refused request is sent again after the factor was given', async () => {
  signIn();
  const { sent, run } = request(refused('phishing_resistant'));
  const done = withFactor(run);
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(asking.value, { acr: 'phishing_resistant', maxAge: 600 });
  answered(true);
  assert.equal(await done, 'done');
  assert.equal(sent.times, 2);
  assert.equal(asking.value, null);
});

test('who says not now keeps the refusal, and the request is not sent again', async () => {
  signIn();
  const { sent, run } = request(refused('mfa'));
  const done = withFactor(run);
  setTimeout(() => answered(false));
  await assert.rejects(done, { code: 'second_factor_required' });
  assert.equal(sent.times, 1);
});

test('other refusals, and people who are not signed in, are asked nothing', async () => {
  signIn();
  await assert.rejects(withFactor(request(new ApiError('forbidden', 403, '')).run), { code: 'forbidden' });
  session.value = { state: 'out' };
  await assert.rejects(withFactor(request(refused('mfa')).run), { code: 'second_factor_required' });
  assert.equal(asking.value, null);
});

test('two requests at once share one answer, and the stricter of them decides what is asked', async () => {
  signIn();
  const first = askFactor({ acr: 'mfa', maxAge: 600 });
  const second = askFactor({ acr: 'phishing_resistant', maxAge: 0 });
  assert.equal(asking.value?.acr, 'phishing_resistant');
  answered(true);
  assert.deepEqual(await Promise.all([first, second]), [true, true]);
});

test('bytes survive the way to the server, and a device has a name people know', () => {
  const all = Uint8Array.from({ length: 256 }, (_, n) => n);
  assert.deepEqual(bytes(text(all.buffer)), all);
  assert.equal(text(Uint8Array.of(251, 255).buffer), '-_8');
  assert.equal(deviceName('Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)'), 'iPhone');
  assert.equal(deviceName('curl/8'), '');
});

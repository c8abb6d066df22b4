import './scene.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pass } from '../src/state/pass.js';

function scene() {
  let now = 0;
  let visible = true;
  const asked: string[] = [];
  const failures: unknown[] = [];
  let refuse = false;
  const pass = new Pass({
    room: 'k7m2q9xw4d', jkt: Promise.resolve('thumb'), onFailure: (error) => { failures.push(error); }, now: () => now, visible: () => visible,
    fetchToken: (room, jkt) => {
      asked.push(`${room} ${jkt}`);
      return refuse ? Promise.reject(Object.assign(new Error('no'), { code: 'banned' })) : Promise.resolve({ token: `token ${asked.length}`, expires_at_ms: 0 });
    },
  });
  return { pass, asked, failures, at: (ms: number) => { now = ms; }, hide: () => { visible = false; }, refuse: () => { refuse = true; } };
}
const settle = () => new Promise((resolve) => { setImmediate(resolve); });

test('the token is there before the click', async () => {
  const { pass, asked } = scene();
  pass.start();
  await settle();
  assert.deepEqual(asked, ['k7m2q9xw4d thumb']);
  assert.equal(await pass.take(), 'token 1');
  assert.equal(asked.length, 1, 'joining asked for nothing');
  pass.close();
});

test('a token is given out once', async () => {
  const { pass } = scene();
  assert.equal(await pass.take(), 'token 1');
  assert.equal(await pass.take(), 'token 2');
  pass.close();
});

test('a token that grew old is replaced, not used', async () => {
  const { pass, asked, at } = scene();
  pass.start();
  await settle();
  at(46_000);
  assert.equal(await pass.take(), 'token 2');
  assert.equal(asked.length, 2);
  pass.close();
});

test('a hidden page fetches nothing', async () => {
  const { pass, asked, hide } = scene();
  hide();
  pass.start();
  await settle();
  assert.equal(asked.length, 0);
  pass.close();
});

test('two askers at once share one request', async () => {
  const { pass, asked } = scene();
  pass.start();
  assert.equal(await pass.take(), 'token 1');
  assert.equal(asked.length, 1);
  pass.close();
});

test('a refusal in the background is reported, one at the click is thrown', async () => {
  const { pass, failures, refuse } = scene();
  refuse();
  pass.start();
  await settle();
  assert.equal((failures[0] as { code?: string }).code, 'banned');
  await assert.rejects(pass.take(), { code: 'banned' });
  pass.close();
});

test('after closing nothing is reported any more', async () => {
  const { pass, failures, refuse } = scene();
  refuse();
  pass.start();
  pass.close();
  await settle();
  assert.equal(failures.length, 0);
});

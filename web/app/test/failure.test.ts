import './scene.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { failureOf, sentenceIn } from '../src/failure.js';
import { tables } from '../src/i18n/index.js';

const repository = fileURLToPath(new URL('../../../../../', import.meta.url));
const words = (path: string, pattern: RegExp) => [...readFileSync(repository + path, 'utf8').matchAll(pattern)].map((match) => match[1] ?? '');
const sources = (folder: string) => readdirSync(repository + folder).filter((name) => /(?<!_test)\.go$/.test(name)).map((name) => `${folder}/${name}`);

test('every code of the wire has a sentence', () => {
  const codes = words('signaling/wire/codes.go', /Code\w+\s+Code = "(\w+)"/g);
  assert.ok(codes.length > 20);
  for (const code of codes) assert.ok(Object.hasOwn(tables.en.errors, code), code);
});

test('every code of the SDK has a sentence', () => {
  const codes = words('web/sdk/src/errors.ts', /^\s+\| '(\w+)'/gm);
  assert.ok(codes.length > 10);
  for (const code of codes) assert.ok(Object.hasOwn(tables.en.errors, code), code);
});

test('every code of the HTTP API has a sentence', () => {
  const files = ['api', 'problem'].flatMap((folder) => sources(`signaling/${folder}`));
  const codes = new Set(files.flatMap((path) => words(path, /\bCode:\s*"(\w+)"/g)));
  assert.ok(codes.size > 20);
  for (const code of codes) assert.ok(Object.hasOwn(tables.en.errors, code), code);
});

test('a known code needs no reference; an unknown one keeps it for the person who asks', () => {
  assert.deepEqual(failureOf({ code: 'room_full' }), { sentence: 'room_full', reference: '', code: 'room_full', retryAfterMs: 0 });
  assert.deepEqual(failureOf({ code: 'quite_new', retryAfterMs: 5 }), { sentence: 'unknown', reference: 'quite_new', code: 'quite_new', retryAfterMs: 5 });
  assert.equal(failureOf({ code: 'toString' }).sentence, 'unknown');
  assert.equal(failureOf(new TypeError('x')).sentence, 'unknown');
  assert.equal(failureOf(null).reference, '');
});

test('a bare status is read too', () => {
  assert.equal(failureOf({ code: 'http_503' }).sentence, 'unavailable');
  assert.equal(failureOf({ code: 'http_404' }).sentence, 'not_found');
  assert.equal(failureOf({ code: 'http_418' }).sentence, 'unknown');
});

test('a screen may have a better word for a general code', () => {
  const failure = failureOf({ code: 'unauthenticated' }, { unauthenticated: 'invalid_credentials' });
  assert.match(sentenceIn('en', failure), /do not match/);
  assert.match(sentenceIn('zh-CN', failure), /不匹配/);
});

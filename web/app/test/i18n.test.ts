import './scene.js';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { t as account } from '../src/i18n/account.js';
import { clock, day, tables, type Language } from '../src/i18n/index.js';
import { t as guests } from '../src/i18n/guests.js';
import { t as network } from '../src/i18n/network.js';
import { t as people } from '../src/i18n/people.js';
import { t as streams } from '../src/i18n/streams.js';
import { setLanguage } from '../src/state/prefs.js';

type Table = Readonly<Record<string, unknown>>;
const flat = (table: Table, at = ''): [string, unknown][] => Object.entries(table).flatMap(([key, value]) =>
  typeof value === 'object' && value !== null ? flat(value as Table, `${at}${key}.`) : [[`${at}${key}`, value] as [string, unknown]]);

const parts = [account, guests, network, people, streams];
const wordsIn = (language: Language): Table => {
  setLanguage(language);
  return Object.assign({}, tables[language], ...parts.map((t) => t())) as Table;
};
const english = new Map(flat(wordsIn('en')));
const chinese = new Map(flat(wordsIn('zh-CN')));
const said = (value: unknown): string => (typeof value === 'function' ? (value as (...args: unknown[]) => string)('A', 2) : String(value));

test('both languages have the same messages, and none is empty', () => {
  assert.deepEqual([...chinese.keys()].sort(), [...english.keys()].sort());
  for (const table of [english, chinese]) for (const [key, value] of table) assert.notEqual(said(value).trim(), '', key);
});

test('every Chinese message is Chinese', () => {
  const same = new Set(['otherLanguage', 'joinPlaceholder', 'deviceNumber', 'invitationText', 'ruleBetween', 'ruleEnd']);
  for (const [key, value] of chinese) if (!same.has(key)) assert.match(said(value), /\p{Script=Han}/u, key);
});

test('the copy rules of the guide hold', () => {
  for (const [key, value] of english) {
    assert.doesNotMatch(said(value), /!|\b(error|invalid|oops)\b/i, `en ${key}`);
  }
  for (const [key, value] of chinese) {
    const text = said(value);
    assert.doesNotMatch(text, /！|[\p{Script=Han}][,;:?]/u, `zh ${key}: full-width punctuation`);
    assert.doesNotMatch(text, /你/u, `zh ${key}: 您`);
    assert.doesNotMatch(text, /[\p{Script=Han}](InCamera|Chrome|Edge|WebRTC|WebCrypto|WebSocket|https)|(InCamera|Chrome|Edge|WebRTC|https)[\p{Script=Han}]/u, `zh ${key}: a space between Chinese and Latin`);
  }
});

test('names in messages survive in both languages', () => {
  for (const key of ['admitName', 'removeAsk', 'joinedOne', 'sharesScreen', 'endAsk', 'greeting'] as const) {
    for (const table of [tables.en, tables['zh-CN']]) assert.match((table[key] as (...args: unknown[]) => string)('Zhao Heng', 3), /Zhao Heng/, key);
  }
});

test('times and days follow the language', () => {
  const at = new Date(2026, 10, 23, 9, 4).getTime();
  setLanguage('en');
  assert.equal(clock(at), '09:04');
  assert.equal(day(at), 'Monday 23 November');
  setLanguage('zh-CN');
  assert.equal(clock(at), '09:04');
  assert.match(day(at), /11月23日/);
});

test('no message is left over', () => {
  const folder = fileURLToPath(new URL('../../../src/', import.meta.url));
  const source = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name) && !name.startsWith('i18n'))
    .map((name) => readFileSync(folder + name, 'utf8')).join('\n');
  const byRole = new Set(['host', 'cohost', 'presenter', 'participant', 'viewer']);
  for (const key of english.keys()) {
    if (!key.startsWith('errors.') && !byRole.has(key)) assert.match(source, new RegExp(`\\.${key}\\b|'${key}'`), key);
  }
});

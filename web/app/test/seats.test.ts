import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noSeats, seat, type Hearing, type Seats } from '../src/layout/seats.js';

const present = ['a', 'b', 'c', 'd', 'e', 'f'];
const hear = (before: Seats, over: Partial<Hearing>): Seats => seat(before, { present, active: [], visible: 3, now: 100_000, ...over });

test('people sit in joining order, and visible speakers change nothing', () => {
  const first = hear(noSeats, {});
  assert.deepEqual(first.order, present);
  assert.deepEqual(hear(first, { active: ['b', 'a'] }).order, present);
});

test('a speaker from another page takes the seat of whoever was silent the longest, and only that seat', () => {
  let seats = hear(noSeats, { active: ['a'], now: 1000 });
  seats = hear(seats, { active: ['c'], now: 2000 });
  seats = hear(seats, { active: ['e'], now: 30_000 });
  assert.deepEqual(seats.order, ['a', 'e', 'c', 'd', 'b', 'f'], 'b was never heard');
});

test('seats change at most once in four seconds', () => {
  const seats = hear(hear(noSeats, {}), { active: ['e'], now: 30_000 });
  assert.deepEqual(hear(seats, { active: ['f'], now: 33_000 }).order, seats.order);
  assert.notDeepEqual(hear(seats, { active: ['f'], now: 34_000 }).order, seats.order);
});

test('who came into view stays for fifteen seconds', () => {
  let seats = hear(noSeats, { active: ['d'], visible: 1, now: 50_000 });
  assert.equal(seats.order[0], 'd');
  seats = hear(seats, { active: ['e'], visible: 1, now: 60_000 });
  assert.equal(seats.order[0], 'd');
  seats = hear(seats, { active: ['e'], visible: 1, now: 65_000 });
  assert.equal(seats.order[0], 'e');
});

test('when everybody in view speaks nobody loses a seat', () => {
  assert.deepEqual(hear(hear(noSeats, {}), { active: ['f', 'a', 'b', 'c'] }).order, present);
});

test('who leaves gives the seat up and who comes sits down last', () => {
  const seats = hear(hear(noSeats, {}), { present: ['a', 'c', 'd', 'e', 'f', 'g'] });
  assert.deepEqual(seats.order, ['a', 'c', 'd', 'e', 'f', 'g']);
});

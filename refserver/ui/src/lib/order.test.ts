import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nextOrder } from './order';

test('a column’s order goes up, down, and back to the usual', () => {
  assert.deepEqual(['', 'name asc', 'name desc', 'code asc'].map((o) => nextOrder('name', o, '')), ['name asc', 'name desc', '', 'name asc']);
  const usual = 'day desc';
  assert.deepEqual(['day desc', 'day asc', 'name desc'].map((o) => nextOrder('day', o, usual)), ['day asc', 'day desc', 'day asc']);
  assert.equal(nextOrder('name', 'name desc', usual), usual);
});

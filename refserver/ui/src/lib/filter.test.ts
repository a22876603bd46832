import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compose, errorPosition, read, type Condition } from './filter';
import type { Attribute } from './schema';

const attributes: Attribute[] = [
  { path: 'status', label: 'Status', kind: 'enum', schema: { enum: ['PAID', 'DRAFT'] } },
  { path: 'name', label: 'Name', kind: 'text', schema: {} },
  { path: 'amount.total_amount', label: 'Total', kind: 'number', schema: {} },
  { path: 'is_customer', label: 'Customer', kind: 'boolean', schema: {} },
  { path: 'due_date', label: 'Due', kind: 'date', schema: {} },
];

const cases: [Condition[], string][] = [
  [[{ path: 'status', op: 'eq', value: 'PAID' }], "status eq 'PAID'"],
  [[{ path: 'name', op: 'match', value: 'a.b/c*' }], 'name match /a\\.b\\/c\\*/'],
  [[{ path: 'name', op: 'eq', value: "O'Neill' and x" }], "name eq 'O''Neill'' and x'"],
  [[{ path: 'name', op: 'empty', value: '' }, { path: 'status', op: 'present', value: '' }], 'name eq null and status ne null'],
  [[{ path: 'amount.total_amount', op: 'gte', value: '-12.50' }], 'amount.total_amount gte -12.50'],
  [[{ path: 'is_customer', op: 'eq', value: 'false' }], 'is_customer eq false'],
  [[{ path: 'due_date', op: 'gte', value: '2026-01-31' }], "due_date gte '2026-01-31T00:00:00Z'"],
  [[{ path: 'due_date', op: 'lte', value: '2026-01-31' }], "due_date lte '2026-01-31T23:59:59.999999Z'"],
];

for (const [conditions, text] of cases) {
  test(`conditions become “${text}” and come back`, () => {
    assert.equal(compose(conditions, attributes), text);
    assert.deepEqual(read(text, attributes), conditions);
  });
}

test('unfinished conditions are left out', () => {
  assert.equal(compose([{ path: 'name', op: 'eq', value: '' }, { path: 'status', op: 'eq', value: 'PAID' }], attributes), "status eq 'PAID'");
});

for (const text of ["status eq 'PAID' or name eq 'x'", "not status eq 'PAID'", "(status eq 'PAID')", 'name match /a.*b/', "unknown eq 'x'", "name in ['a']", "status eq 'PAID' and", 'nonsense', "is_customer gt 'x'"]) {
  test(`“${text}” says more than the form can`, () => assert.equal(read(text, attributes), null));
}

test('nothing is no condition', () => assert.deepEqual(read('  ', attributes), []));

test('positions are counted in characters', () => {
  assert.equal(errorPosition('x expected at byte 13', "name eq 'ü' oops"), 12);
  assert.equal(errorPosition('x expected at byte 99', 'abc'), 3);
  assert.equal(errorPosition('something else', 'abc'), null);
});

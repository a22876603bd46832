import assert from 'node:assert/strict';
import { test } from 'node:test';

import { diff } from './diff';

const paths = (before: Record<string, unknown> | undefined, after: Record<string, unknown>): string[] => diff(before, after).map((c) => c.path.join('.'));

test('only what differs is told', () => {
  assert.deepEqual(paths({ a: 1, b: { c: 2, d: [1] }, updated_at: 'x' }, { a: 1, b: { c: 3, d: [1] }, updated_at: 'y' }), ['b.c']);
});

test('a creation tells everything that the record has', () => {
  assert.deepEqual(paths(undefined, { a: 1, b: { c: 2 }, id: 'x' }), ['a', 'b']);
});

test('nested records are compared by their ids', () => {
  const before = { lines: [{ id: '1', q: 1 }, { id: '2', q: 1 }] };
  const after = { lines: [{ id: '2', q: 5 }, { id: '3', q: 1 }] };
  assert.deepEqual(diff(before, after), [
    { path: ['lines', '1'], before: { id: '1', q: 1 }, after: undefined },
    { path: ['lines', '2', 'q'], before: 1, after: 5 },
    { path: ['lines', '3'], before: undefined, after: { id: '3', q: 1 } },
  ]);
});

test('removed attributes are told', () => {
  assert.deepEqual(diff({ a: 1 }, {}), [{ path: ['a'], before: 1, after: undefined }]);
});

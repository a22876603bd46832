import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encode, type Metadata } from './api';
import { view } from './view';

test('parameters are nested as the engine reads them', () => {
  const metadata: Metadata = { organization_ids: ['org-1', 'org-2'], hist_parameters: { period: 'MONTHLY', time_range: '-6m' }, rows: [{ a: 1 }], none: null, empty: [] };
  assert.deepEqual(encode('metadata', metadata), [
    ['metadata[organization_ids][]', 'org-1'],
    ['metadata[organization_ids][]', 'org-2'],
    ['metadata[hist_parameters][period]', 'MONTHLY'],
    ['metadata[hist_parameters][time_range]', '-6m'],
    ['metadata[rows][0][a]', '1'],
  ]);
});

Object.defineProperty(globalThis, 'document', { value: { documentElement: { lang: 'en-GB' } } });

test('sales by interval', () => {
  const v = view('sales/aged', { currency: 'EUR', dates: ['2025-12-31', '2026-01-31'], aged_sales: { gross_value_sold: [100, 300.5] } }, {});
  assert.equal(v.empty, undefined);
  assert.deepEqual(v.table.rows, [['December 2025', '€100.00'], ['January 2026', '€300.50']]);
  assert.deepEqual(v.headlines.map((h) => h.exact), ['€400.50', '€200.25', 'January 2026: €300.50']);
});

test('the rest is nobody’s largest share', () => {
  const v = view('sales/summary', { currency: 'EUR', summary: [{ code: 'A', name: 'Ann', total: 30 }, { code: '', name: 'Others', total: 70 }] }, { criteria: 'customer' });
  assert.equal(v.headlines[1]?.exact, 'Ann: €30.00');
  assert.deepEqual(v.table.rows.map((r) => r.at(-1)), ['30%', '70%']);
});

test('headcount', () => {
  const content = {
    total: { employees: 3, amount: 90_000, currency: 'EUR', period: 'yearly' },
    summary: { filter: 'job_title', data: [{ label: 'Clerk', value: 60_000, employees: 2 }, { label: 'unknown', value: 30_000, employees: 1 }] },
    info: [{ key: 'Not included', value: 'the pay of 1 employees' }],
  };
  const v = view('hr/workforce_summary', content, {});
  assert.equal(v.headlines[0]?.value, '3');
  assert.deepEqual(v.table.rows, [['Clerk', '2', '66.7%', '€60,000.00'], ['Unknown', '1', '33.3%', '€30,000.00']]);
  assert.deepEqual(v.notes, ['Not included: the pay of 1 employees']);
});

test('no content, no figures, no widget of that name', () => {
  assert.ok(view('sales/aged', {}, {}).empty);
  assert.ok(view('sales/aged', { dates: ['2026-01-31'], aged_sales: { gross_value_sold: [0] } }, {}).empty);
  assert.ok(view('hr/workforce_summary', { total: { employees: 0 } }, {}).empty);
  assert.ok(view('no/such', { a: 1 }, {}).empty);
});

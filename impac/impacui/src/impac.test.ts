import assert from 'node:assert/strict';
import { test } from 'node:test';

import { encode, type Metadata } from './api';
import { runningInterval } from './format';
import { periods, rangeLabel } from './settings';
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

test('the running month is left out of the average', () => {
  const day = (months: number, date: number): string => {
    const now = new Date();
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, date)).toISOString().slice(0, 10);
  };
  const average = (dates: string[]): string => {
    const { headlines } = view('sales/aged', { currency: 'EUR', dates, aged_sales: { gross_value_sold: [100, 300, 20] } }, {});
    return `${headlines[1]?.label}: ${headlines[1]?.exact}`;
  };
  assert.equal(average([day(-2, 0), day(-1, 0), day(0, 0)]), 'Average: €140.00');
  const today = new Date().toISOString().slice(0, 10);
  const begun = runningInterval(today, 'MONTHLY') !== '';
  assert.equal(average([day(-2, 0), day(-1, 0), today]), begun ? 'Average without this month: €200.00' : 'Average: €140.00');
  const now = new Date('2026-11-18T12:00:00Z');
  assert.equal(runningInterval('2026-11-18', 'MONTHLY', now), 'this month');
  assert.equal(runningInterval('2026-11-17', 'MONTHLY', now), 'this month');
  assert.equal(runningInterval('2026-11-18', 'WEEKLY', now), 'this week');
  assert.equal(runningInterval('2026-11-18', 'YEARLY', now), 'this year');
  assert.equal(runningInterval('2026-11-10', 'MONTHLY', now), '');
  assert.equal(runningInterval('2026-11-30', 'MONTHLY', new Date('2026-11-30T23:00:00Z')), '');
  assert.equal(runningInterval('2026-11-22', 'WEEKLY', new Date('2026-11-22T12:00:00Z')), '');
  assert.equal(runningInterval('2026-11-30', 'QUARTERLY', new Date('2026-11-30T12:00:00Z')), 'this quarter');
});

test('periods count what they show', () => {
  for (const [range, label] of periods) if (range.startsWith('-')) assert.equal(rangeLabel(range), label);
  assert.deepEqual(['-12m', '-0m', '-0d', '-1f', 'odd'].map(rangeLabel), ['Last 13 months', 'This month', 'Today', 'Last 2 financial years', 'odd']);
});

test('figures of some customers are not those of all', () => {
  const entities = [{ name: 'Ann', total_invoiced: 30 }, { name: 'Bo', total_invoiced: 10 }];
  const all = view('invoices/list', { currency: 'EUR', entities }, {});
  assert.deepEqual(all.headlines.map((h) => h.label), ['Invoiced', 'Largest share']);
  const some = view('invoices/list', { currency: 'EUR', entities, info: [{ key: 'Shown', value: '2 of 46 customers' }] }, {});
  assert.deepEqual(some.headlines.map((h) => h.label), ['Invoiced, these 2', 'Largest share of these 2']);
  assert.equal(some.table.columns.at(-1)?.label, 'Share of these 2');
  assert.deepEqual(some.notes, ['Shown: 2 of 46 customers']);
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

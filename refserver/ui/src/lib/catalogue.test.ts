import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Template } from '../api/impac';
import { groupsOf } from './catalogue';

const template = (endpoint: string, name: string, metadata = {}): Template => ({ endpoint, name, desc: '', icon: '', width: 6, metadata });

test('the catalogue has groups, and none is empty', () => {
  const groups = groupsOf([
    template('hr/workforce_summary', 'Workforce'),
    template('invoices/list', 'Top suppliers', { entity: 'suppliers' }),
    template('invoices/list', 'Top customers', { entity: 'customers' }),
    template('accounts/balance', 'Balance'),
    template('invoices/summary', 'Invoices'),
  ]);
  assert.deepEqual(groups.map((g) => [g.title, g.templates.map((t) => t.name)]), [
    ['Customers', ['Top customers', 'Invoices']],
    ['Suppliers', ['Top suppliers']],
    ['Staff', ['Workforce']],
    ['More', ['Balance']],
  ]);
});

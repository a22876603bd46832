import type { IconName } from '../ui/icon';

/** How the data page groups collections. */
export const groups: { title: string; icon: IconName; collections: string[] }[] = [
  { title: 'Contacts', icon: 'people', collections: ['organizations', 'people', 'contacts', 'app_users', 'teams'] },
  { title: 'Sales and purchasing', icon: 'invoice', collections: ['invoices', 'payments', 'credit_notes', 'sales_orders', 'purchase_orders', 'quotes', 'opportunities', 'payment_methods'] },
  { title: 'Products and stock', icon: 'box', collections: ['items', 'warehouses', 'stock_adjustments'] },
  { title: 'Accounting', icon: 'ledger', collections: ['company', 'accounts', 'journals', 'tax_codes', 'tax_rates'] },
  { title: 'Staff and payroll', icon: 'card', collections: ['employees', 'work_locations', 'pay_items', 'pay_schedules', 'pay_runs', 'pay_stubs', 'time_sheets', 'time_activities', 'leave_applications'] },
  { title: 'Projects and events', icon: 'calendar', collections: ['projects', 'events', 'event_orders', 'venues'] },
];

export function iconOf(collection: string): IconName {
  return groups.find((g) => g.collections.includes(collection))?.icon ?? 'folder';
}

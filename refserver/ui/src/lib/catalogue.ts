import type { Template, Widget } from '../api/impac';

export interface Group {
  title: string;
  templates: Template[];
}

const titles = ['Sales', 'Customers', 'Suppliers', 'Staff', 'More'];

function titleOf(t: Template): string {
  if (t.endpoint.startsWith('sales/')) return 'Sales';
  if (t.endpoint.startsWith('invoices/')) return t.metadata?.entity === 'suppliers' ? 'Suppliers' : 'Customers';
  return t.endpoint.startsWith('hr/') ? 'Staff' : 'More';
}

/** The catalogue's widgets by what they are about. */
export function groupsOf(templates: Template[]): Group[] {
  return titles.map((title) => ({ title, templates: templates.filter((t) => titleOf(t) === title) })).filter((g) => g.templates.length > 0);
}

/** Whether a widget on the dashboard was made from a template and shows the same still. */
export function sameAs(t: Template, w: Widget): boolean {
  return w.endpoint === t.endpoint && w.name === t.name;
}

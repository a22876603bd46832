// Impac's dashboards. The widgets' figures are fetched by the web components themselves.
import { call } from './http';
import type { Organization } from './hub';

export type Metadata = Record<string, unknown>;

export interface Template {
  endpoint: string;
  name: string;
  desc: string;
  icon: string;
  width: number;
  metadata: Metadata;
}

export interface Widget {
  id: number;
  name: string;
  endpoint: string;
  width: number;
  metadata: Metadata;
}

export interface Dashboard {
  id: number;
  name: string;
  currency: string;
  metadata: Metadata;
  data_sources: { id: number; uid: string; label: string }[];
  widgets: Widget[];
}

const hub = '/mnoe/jpi/v1/impac';

function dashboardOf(d: Partial<Dashboard>): Dashboard {
  return {
    id: d.id ?? 0,
    name: d.name ?? '',
    currency: d.currency ?? 'USD',
    metadata: d.metadata ?? {},
    data_sources: d.data_sources ?? [],
    widgets: (d.widgets ?? []).map(widgetOf),
  };
}

function widgetOf(w: Partial<Widget>): Widget {
  return { id: w.id ?? 0, name: w.name ?? '', endpoint: w.endpoint ?? '', width: w.width ?? 6, metadata: w.metadata ?? {} };
}

/** The user's dashboards that cover an organization. */
export async function dashboards(organization: Organization, signal?: AbortSignal): Promise<Dashboard[]> {
  const body = await call<Partial<Dashboard>[] | { dashboards: Partial<Dashboard>[] }>(`${hub}/dashboards`, { signal });
  const all = (Array.isArray(body) ? body : (body.dashboards ?? [])).map(dashboardOf);
  return all.filter((d) => d.data_sources.some((s) => s.id === organization.id || s.uid === organization.uid));
}

export async function templates(signal?: AbortSignal): Promise<Template[]> {
  const body = await call<{ widgets?: Template[] }>('/impac/api/v1/widgets', { signal });
  return body.widgets ?? [];
}

// Eleven months back and the running one.
const year: Metadata = { time_range: '-11m', period: 'MONTHLY' };

/** What a first visit is greeted with. The server gives widgets without a name the one that the catalogue has. */
const firstWidgets: Omit<Widget, 'id' | 'name'>[] = [
  { endpoint: 'sales/aged', width: 12, metadata: { width: 12, hist_parameters: year, filter: 'gross_value_sold' } },
  {
    endpoint: 'invoices/list',
    width: 6,
    metadata: { width: 6, template: 'sales/top_customers', entity: 'customers', order_by: 'total_invoiced', header: 'total_sales', limit_entries: 10, hist_parameters: year },
  },
  { endpoint: 'hr/workforce_summary', width: 6, metadata: { width: 6, filter: 'gender', period: 'yearly' } },
];

export async function createDefault(organization: Organization): Promise<Dashboard> {
  const created = dashboardOf(
    await call(`${hub}/dashboards`, {
      method: 'POST',
      body: { dashboard: { name: 'Overview', organization_ids: [organization.id], metadata: {}, currency: organization.currency || 'USD' } },
    }),
  );
  const widgets: Widget[] = [];
  for (const w of firstWidgets) {
    const metadata = { ...w.metadata, organization_ids: [organization.uid], currency: organization.currency || 'USD' };
    widgets.push(await addWidget(created.id, { ...w, metadata }));
  }
  return { ...created, widgets };
}

export async function addWidget(dashboard: number, w: Omit<Widget, 'id' | 'name'> & { name?: string }): Promise<Widget> {
  return widgetOf(await call(`${hub}/dashboards/${dashboard}/widgets`, { method: 'POST', body: w }));
}

export async function updateWidget(id: number, patch: Partial<Pick<Widget, 'name' | 'width' | 'metadata'>>): Promise<Widget> {
  return widgetOf(await call(`${hub}/widgets/${id}`, { method: 'PUT', body: { widget: patch } }));
}

export async function removeWidget(id: number): Promise<void> {
  await call(`${hub}/widgets/${id}`, { method: 'DELETE' });
}

export async function reorder(dashboard: number, order: number[]): Promise<void> {
  await call(`${hub}/dashboards/${dashboard}`, { method: 'PUT', body: { dashboard: { widgets_order: order } } });
}

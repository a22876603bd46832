import type { Metadata } from './api';
import { figure, interval, percent, runningInterval, words } from './format';

/** What a widget shows, whatever its figures are: headline figures, one chart, and the same as a table. */
export interface View {
  /** Nothing to show: the reason, for the reader. */
  empty?: string;
  headlines: Headline[];
  chart: Chart | null;
  table: Table;
  /** Says in a sentence what the chart shows. */
  summary: string;
  /** What the reader must know about the figures, such as what could not be counted. */
  notes?: string[];
}

export interface Headline {
  label: string;
  value: string;
  /** A longer or exact form, for the tooltip. */
  exact?: string;
  trend?: { text: string; direction: 'up' | 'down' | 'flat' };
}

export type Chart =
  | { kind: 'columns'; labels: string[]; longLabels: string[]; unit: string; series: { name: string; values: number[] }[] }
  | { kind: 'ranking'; unit: string; rows: { name: string; value: number; note?: string }[] }
  | { kind: 'parts'; unit: string; rows: { name: string; value: number }[] };

export interface Table {
  columns: { label: string; numeric?: boolean }[];
  rows: string[][];
}

type Content = Record<string, unknown>;
type Builder = (content: Content, metadata: Metadata) => View;

const numbers = (v: unknown): number[] => (Array.isArray(v) ? v.map((x) => Number(x) || 0) : []);
const texts = (v: unknown): string[] => (Array.isArray(v) ? v.map(String) : []);
const list = (v: unknown): Content[] => (Array.isArray(v) ? (v.filter((x) => x && typeof x === 'object') as Content[]) : []);
const object = (v: unknown): Content => (v && typeof v === 'object' && !Array.isArray(v) ? (v as Content) : {});
const text = (v: unknown): string => (typeof v === 'string' || typeof v === 'number' ? String(v) : '');
const number = (v: unknown): number => (typeof v === 'number' ? v : Number(v) || 0);
const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);

const nothing = (reason: string): View => ({ empty: reason, headlines: [], chart: null, table: { columns: [], rows: [] }, summary: reason });

/** The figures that sales reports can be asked for. */
export const measures: Record<string, string> = {
  gross_value_sold: 'Sales including tax',
  net_value_sold: 'Sales excluding tax',
  quantity_sold: 'Quantity sold',
};

const unitOf = (measure: string, currency: string): string => (measure.startsWith('quantity') ? '' : currency);

/** Sales by interval. */
const agedSales: Builder = (content, metadata) => {
  const dates = texts(content.dates);
  const measure = text(metadata.filter) || 'gross_value_sold';
  const values = numbers(object(content.aged_sales)[measure]);
  if (!dates.length || !values.some((v) => v !== 0)) return nothing('No sales in this period.');
  const unit = unitOf(measure, text(content.currency) || text(metadata.currency));
  const period = text(object(content.hist_parameters).period) || metadata.hist_parameters?.period || 'MONTHLY';
  // Months say their year where it begins.
  const labels = dates.map((d, i) => interval(d, period) + (period === 'MONTHLY' && (i === 0 || d.slice(5, 7) === '01') ? `\n${d.slice(0, 4)}` : ''));
  const longLabels = dates.map((d) => interval(d, period, true));
  const total = sum(values);
  const best = values.indexOf(Math.max(...values));
  // An interval that has only begun would pull the average down.
  const running = values.length > 1 ? runningInterval(dates.at(-1) ?? '', period) : '';
  const average = running ? sum(values.slice(0, -1)) / (values.length - 1) : total / values.length;
  const name = measures[measure] ?? words(measure);
  return {
    headlines: [
      { label: name, value: figure(total, unit, 'compact'), exact: figure(total, unit) },
      { label: running ? `Average without ${running}` : 'Average', value: figure(average, unit, 'compact'), exact: figure(average, unit) },
      { label: 'Best', value: figure(values[best], unit, 'compact'), exact: `${longLabels[best]}: ${figure(values[best], unit)}` },
    ],
    chart: { kind: 'columns', labels, longLabels, unit, series: [{ name, values }] },
    table: {
      columns: [{ label: 'Period' }, { label: name, numeric: true }],
      rows: values.map((v, i) => [longLabels[i] ?? '', figure(v, unit)]),
    },
    summary: `${name} from ${longLabels[0]} to ${longLabels.at(-1)}: ${figure(total, unit)} in total, most in ${longLabels[best]} with ${figure(values[best], unit)}.`,
  };
};

/** Totals by customer, product, place or industry; the rest comes as "Others". */
const summary: Builder = (content, metadata) => {
  const rows = list(content.summary).map((r) => ({ name: text(r.name) || text(r.code) || 'Unknown', value: number(r.total), rest: !text(r.code) && text(r.name) === 'Others' }));
  const total = sum(rows.map((r) => r.value));
  if (!rows.length || total === 0) return nothing('No sales in this period.');
  const unit = unitOf(text(metadata.filter), text(content.currency) || text(metadata.currency));
  return ranking(rows, unit, words(text(metadata.criteria) || 'name'), 'Sales', total);
};

/** Customers or suppliers by what they were invoiced. */
const entities: Builder = (content, metadata) => {
  const supplier = metadata.entity === 'suppliers';
  const order = text(metadata.order_by) || 'total_invoiced';
  const key = order === 'name' ? 'total_invoiced' : order;
  const all = list(content.entities);
  const rows = all.map((e) => {
    const count = list(e.invoices).length;
    return { name: text(e.name) || 'Unknown', value: number(e[key]), note: count ? `${count} ${count === 1 ? 'invoice' : 'invoices'}` : '' };
  });
  if (!rows.length || rows.every((r) => r.value === 0)) return nothing(supplier ? 'No bills in this period.' : 'No invoices in this period.');
  const unit = text(all[0]?.currency) || text(content.currency) || text(metadata.currency);
  const label = { total_invoiced: 'Invoiced', total_paid: 'Paid', total_due: 'Due' }[key] ?? words(key);
  rows.sort((a, b) => b.value - a.value);
  // The engine says when there are more than it lists: sums and shares are then of those listed.
  const part = list(content.info).some((n) => text(n.key) === 'Shown');
  return ranking(rows, unit, supplier ? 'Supplier' : 'Customer', label, sum(rows.map((r) => r.value)), part);
};

function ranking(rows: { name: string; value: number; note?: string; rest?: boolean }[], unit: string, what: string, label: string, total: number, part = false): View {
  const first = rows[0];
  const these = rows.length === 1 ? 'this one' : `these ${rows.length}`;
  const notes = rows.some((r) => r.note);
  const top = rows.filter((r) => !r.rest).reduce((a, b) => (b.value > a.value ? b : a), rows[0] as (typeof rows)[number]);
  return {
    headlines: [
      { label: part ? `${label}, ${these}` : label, value: figure(total, unit, 'compact'), exact: figure(total, unit) },
      { label: part ? `Largest share of ${these}` : 'Largest share', value: percent(top.value, total), exact: `${top.name}: ${figure(top.value, unit)}` },
    ],
    chart: { kind: 'ranking', unit, rows },
    table: {
      columns: [{ label: what }, ...(notes ? [{ label: 'Documents' }] : []), { label, numeric: true }, { label: part ? `Share of ${these}` : 'Share', numeric: true }],
      rows: rows.map((r) => [r.name, ...(notes ? [r.note ?? ''] : []), figure(r.value, unit), percent(r.value, total)]),
    },
    summary: `${label} by ${what.toLowerCase()}, ${rows.length} ${rows.length === 1 ? 'entry' : 'entries'}${part ? ' of more' : ''}; ${first?.name} leads with ${figure(first?.value, unit)}.`,
  };
}

/** Groups that come as codes. */
const people: Record<string, string> = { F: 'Women', M: 'Men' };

/** Headcount and pay by group. */
const workforce: Builder = (content, metadata) => {
  const total = object(content.total);
  const employees = number(total.employees);
  const data = list(object(content.summary).data);
  if (!employees) return nothing('No employees yet.');
  const unit = text(total.currency) || text(metadata.currency);
  const period = (text(total.period) || text(metadata.period) || 'yearly').toLowerCase();
  const rows = data.map((d) => ({ name: people[text(d.label)] ?? words(text(d.label) || 'unknown'), pay: number(d.value), people: number(d.employees) }));
  const amount = total.amount === undefined ? sum(rows.map((r) => r.pay)) : number(total.amount);
  const counted = rows.some((r) => r.people > 0);
  const of = (r: (typeof rows)[number]): number => (counted ? r.people : r.pay);
  const whole = sum(rows.map(of));
  const group = words(text(object(content.summary).filter) || text(metadata.filter) || 'group');
  return {
    headlines: [
      { label: 'Headcount', value: figure(employees) },
      { label: `Pay, ${period}`, value: figure(amount, unit, 'compact'), exact: figure(amount, unit) },
      { label: 'Average per person', value: figure(amount / employees, unit, 'compact'), exact: figure(amount / employees, unit) },
    ],
    chart: { kind: 'parts', unit: counted ? '' : unit, rows: rows.map((r) => ({ name: r.name, value: of(r) })) },
    table: {
      columns: [{ label: group }, ...(counted ? [{ label: 'People', numeric: true }] : []), { label: 'Share', numeric: true }, { label: `Pay, ${period}`, numeric: true }],
      rows: rows.map((r) => [r.name, ...(counted ? [figure(r.people)] : []), percent(of(r), whole), figure(r.pay, unit)]),
    },
    summary: `${employees} employees with pay of ${figure(amount, unit)} ${period}. By ${group.toLowerCase()}: ${rows.map((r) => `${r.name} ${percent(of(r), whole)}`).join(', ')}.`,
  };
};

/** Everybody employed. */
const employees: Builder = (content, metadata) => {
  const total = object(content.total);
  const all = list(content.employees);
  if (all.length === 0) return nothing('No employees yet.');
  const unit = text(total.currency) || text(metadata.currency);
  const period = (text(total.period) || text(metadata.period) || 'yearly').toLowerCase();
  return {
    headlines: [
      { label: 'Headcount', value: figure(number(total.employees) || all.length) },
      { label: `Average pay, ${period}`, value: figure(number(total.average_rate), unit, 'compact'), exact: figure(number(total.average_rate), unit) },
    ],
    chart: null,
    table: {
      columns: [{ label: 'Name' }, { label: 'Job' }, { label: 'E-mail' }, { label: 'Place' }, { label: `Pay, ${period}`, numeric: true }],
      rows: all.map((e) => {
        const salary = object(e.salary);
        const name = [text(e.firstname), text(e.lastname)].filter(Boolean).join(' ');
        return [name || 'Unknown', text(e.job_title), text(e.email), text(e.location), salary.amount === undefined ? '–' : figure(number(salary.amount), text(salary.currency) || unit)];
      }),
    },
    summary: `${all.length} employees with job, contact and pay.`,
  };
};

const builders: Record<string, Builder> = {
  'sales/aged': agedSales,
  'sales/summary': summary,
  'invoices/list': entities,
  'invoices/summary': summary,
  'hr/workforce_summary': workforce,
  'hr/employees_list': employees,
};

/** Whether this version can draw an endpoint's answer. */
export function knows(endpoint: string): boolean {
  return endpoint in builders;
}

/** Turns an answer into what is shown. An answer without content is no data. */
export function view(endpoint: string, content: Content, metadata: Metadata): View {
  const build = builders[endpoint];
  if (!build) return nothing(`This version can't show “${endpoint}”.`);
  if (Object.keys(content).length === 0) return nothing('No data yet.');
  const v = build(content, metadata);
  const notes = list(content.info).map((n) => [text(n.key), text(n.value)].filter(Boolean).join(': '));
  return notes.length ? { ...v, notes } : v;
}

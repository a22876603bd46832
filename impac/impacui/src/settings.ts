import type { HistParameters, Interval, Metadata } from './api';
import { measures } from './view';

/** A parameter that the reader can set, beside organizations and period. */
export interface Choice {
  key: string;
  label: string;
  options: [value: string, label: string][];
  initial: string;
}

export interface Settings {
  period: boolean;
  /** Whether the period is cut into intervals. */
  intervals: boolean;
  choices: Choice[];
}

const measure: Choice = { key: 'filter', label: 'Figure', options: Object.entries(measures), initial: 'gross_value_sold' };
const limit: Choice = { key: 'limit_entries', label: 'Entries', options: ['5', '10', '25', '50'].map((n) => [n, `Top ${n}`]), initial: '10' };

const payPeriods: [string, string][] = [['yearly', 'Per year'], ['monthly', 'Per month'], ['weekly', 'Per week'], ['daily', 'Per day']];

/** What can be set for each widget. */
export function settingsOf(endpoint: string): Settings {
  switch (endpoint) {
    case 'sales/aged':
      return { period: true, intervals: true, choices: [measure] };
    case 'sales/summary':
      return {
        period: true,
        intervals: false,
        choices: [
          { key: 'criteria', label: 'Group by', options: [['customer', 'Customer'], ['product', 'Product']], initial: 'customer' },
          measure,
          limit,
        ],
      };
    case 'invoices/list':
    case 'invoices/summary':
      return {
        period: true,
        intervals: false,
        choices: [{ key: 'order_by', label: 'Figure', options: [['total_invoiced', 'Invoiced'], ['total_paid', 'Paid'], ['total_due', 'Due']], initial: 'total_invoiced' }, limit],
      };
    case 'hr/workforce_summary':
      return {
        period: false,
        intervals: false,
        choices: [
          { key: 'filter', label: 'Group by', options: [['gender', 'Gender'], ['age_range', 'Age'], ['salary_range', 'Salary'], ['job_title', 'Job title']], initial: 'gender' },
          { key: 'period', label: 'Pay', options: payPeriods, initial: 'yearly' },
        ],
      };
    case 'hr/employees_list':
      return { period: false, intervals: false, choices: [{ key: 'period', label: 'Pay', options: payPeriods, initial: 'yearly' }] };
    default:
      return { period: true, intervals: true, choices: [] };
  }
}

/**
 * Named periods. "" is this year to date, which the engine assumes when nothing is said; "custom" has from and to. The engine adds the
 * running interval to those that it counts back: "-11m" is twelve months.
 */
export const periods: [value: string, label: string][] = [
  ['', 'This year to date'],
  ['-5m', 'Last 6 months'],
  ['-11m', 'Last 12 months'],
  ['-3q', 'Last 4 quarters'],
  ['-7q', 'Last 8 quarters'],
  ['-11w', 'Last 12 weeks'],
  ['-2y', 'Last 3 years'],
  ['custom', 'Between two days'],
];

export const intervals: [value: Interval, label: string][] = [
  ['WEEKLY', 'Weeks'],
  ['MONTHLY', 'Months'],
  ['QUARTERLY', 'Quarters'],
  ['YEARLY', 'Years'],
];

/** The named period that parameters stand for. */
export function periodOf(h: HistParameters | undefined): string {
  if (h?.time_range) return h.time_range;
  return h?.from ? 'custom' : '';
}

/** The interval that fits a named period best. */
export function intervalFor(period: string): Interval {
  if (period.endsWith('q')) return 'QUARTERLY';
  if (period.endsWith('w')) return 'WEEKLY';
  if (/[yf]$/.test(period)) return 'YEARLY';
  return 'MONTHLY';
}

const units: Record<string, string> = { d: 'day', w: 'week', m: 'month', q: 'quarter', y: 'year', f: 'financial year' };

/** Names a range that counts back from today, such as "-6m", with the running interval among what it counts. */
export function rangeLabel(range: string): string {
  const [, count, letter = ''] = /^-(\d+)([a-z])$/.exec(range) ?? [];
  const unit = units[letter];
  if (!unit) return range;
  if (Number(count) === 0) return unit === 'day' ? 'Today' : `This ${unit}`;
  return `Last ${Number(count) + 1} ${unit}s`;
}

/** Says in a few words what period a widget covers. */
export function periodLabel(metadata: Metadata, format: (iso: string) => string): string {
  const h = metadata.hist_parameters;
  if (h?.time_range) return rangeLabel(h.time_range);
  if (h?.from) return `${format(h.from)} – ${h.to && !h.keep_today ? format(h.to) : 'today'}`;
  return 'This year to date';
}

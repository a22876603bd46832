/** The reader's language: the page's, else the browser's. */
function locale(): string | undefined {
  return document.documentElement.lang && document.documentElement.lang !== 'en' ? document.documentElement.lang : navigator.language;
}

/** Formats a figure in its unit: a currency code, "%", or nothing for plain numbers. */
export function figure(value: number | null | undefined, unit = '', style: 'full' | 'compact' = 'full'): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const compact = style === 'compact' && Math.abs(value) >= 10_000;
  const options: Intl.NumberFormatOptions = compact
    ? { notation: 'compact', maximumFractionDigits: 1 }
    : { maximumFractionDigits: style === 'compact' ? 0 : 2 };
  if (/^[A-Z]{3}$/.test(unit)) {
    options.style = 'currency';
    options.currency = unit;
    options.currencyDisplay = 'narrowSymbol';
    if (style === 'full') options.minimumFractionDigits = 2;
    else options.minimumFractionDigits = 0;
  }
  const text = new Intl.NumberFormat(locale(), options).format(value);
  return unit === '%' ? `${text} %` : text;
}

export function percent(part: number, whole: number): string {
  if (!whole) return '–';
  return new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(part / whole);
}

function day(iso: string): Date {
  return new Date(`${iso.slice(0, 10)}T00:00:00Z`);
}

export function date(iso: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeZone: 'UTC' }).format(day(iso));
}

/** Names the interval that ends on a day. */
export function interval(end: string, period: string, long = false): string {
  const d = day(end);
  if (Number.isNaN(d.getTime())) return end;
  const year = d.getUTCFullYear();
  const options: Intl.DateTimeFormatOptions = { timeZone: 'UTC' };
  switch (period) {
    case 'YEARLY':
      return String(year);
    case 'QUARTERLY':
      return `Q${Math.floor(d.getUTCMonth() / 3) + 1} ${year}`;
    case 'DAILY':
    case 'WEEKLY':
      Object.assign(options, long ? { dateStyle: 'medium' } : { day: 'numeric', month: 'short' });
      break;
    default:
      Object.assign(options, long ? { month: 'long', year: 'numeric' } : { month: 'short' });
  }
  const text = new Intl.DateTimeFormat(locale(), options).format(d);
  return period === 'WEEKLY' && long ? `Week to ${text}` : text;
}

/**
 * Names the interval that ends on a day when that is the running one, cut off today: "this month". Nothing when the interval is whole, or
 * past.
 */
export function runningInterval(end: string, period: string, now = new Date()): string {
  const d = day(end);
  // The engine's today may be the reader's yesterday.
  if (Number.isNaN(d.getTime()) || d.getTime() < now.getTime() - 2 * 86_400_000) return '';
  const next = new Date(d.getTime() + 86_400_000);
  const first = next.getUTCDate() === 1;
  switch (period) {
    case 'WEEKLY':
      return next.getUTCDay() === 1 ? '' : 'this week';
    case 'MONTHLY':
      return first ? '' : 'this month';
    case 'QUARTERLY':
      return first && next.getUTCMonth() % 3 === 0 ? '' : 'this quarter';
    case 'YEARLY':
      return first && next.getUTCMonth() === 0 ? '' : 'this year';
    default:
      return '';
  }
}

/** Turns a code such as "job_title" or "FULL_TIME" into words. */
export function words(code: string): string {
  const s = code.replace(/[_-]+/g, ' ').trim();
  const lower = s === s.toUpperCase() && s.length > 3 ? s.toLowerCase() : s;
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

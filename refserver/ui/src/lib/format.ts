const locale = navigator.language;

export function number(v: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 6 }).format(v);
}

export function money(v: number, currency?: string): string {
  if (!currency || !/^[A-Z]{3}$/.test(currency)) return new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(v);
  return new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).format(v);
}

/** A day without a time: "2026-03-01" and midnights in UTC. */
const dayOnly = /^\d{4}-\d{2}-\d{2}(T00:00:00(\.0+)?Z)?$/;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;

export function isDate(v: unknown): v is string {
  return typeof v === 'string' && (dayOnly.test(v) || instant.test(v)) && !Number.isNaN(Date.parse(v));
}

export function date(v: string): string {
  if (dayOnly.test(v)) return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(v));
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(v));
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

export function ago(v: string): string {
  const seconds = (Date.parse(v) - Date.now()) / 1000;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  for (const [unit, size] of steps) if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  return 'just now';
}

const known: Record<string, string> = {
  id: 'ID', url: 'URL', sku: 'SKU', iban: 'IBAN', bic: 'BIC', uid: 'UID', hr: 'HR', crm: 'CRM', pos: 'POS', erp: 'ERP',
};

/** Turns the name of an attribute or collection into words: "transaction_date" to "Transaction date". */
export function words(name: string): string {
  const text = name
    .replace(/_ids?$/, '')
    .replace(/[_-]+/g, ' ')
    .replace(/([a-z])(\d)/g, '$1 $2')
    .trim()
    .split(' ')
    .map((w) => known[w] ?? w)
    .join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Turns an enum's value into words: "AUTHORISED" to "Authorised". */
export function code(value: string): string {
  if (!/^[A-Z0-9_ ]+$/.test(value) || value.length < 3) return value;
  const s = value.replace(/_/g, ' ').toLowerCase();
  return s.charAt(0).toUpperCase() + s.slice(1);
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** The singular of a collection's name, in words. */
export function singular(collection: string): string {
  const irregular: Record<string, string> = { people: 'person', company: 'company' };
  const s = irregular[collection] ?? collection.replace(/ies$/, 'y').replace(/(ss|x|ch|sh)es$/, '$1').replace(/s$/, '');
  return words(s);
}

export function initials(name: string): string {
  const parts = name.trim().split(/\s+/).filter(Boolean);
  const first = parts[0]?.[0] ?? '?';
  const last = parts.length > 1 ? (parts.at(-1)?.[0] ?? '') : (parts[0]?.[1] ?? '');
  return (first + last).toUpperCase();
}

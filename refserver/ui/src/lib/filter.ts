// Filters as rows of a form, and as the text that Connec reads. The form knows conditions joined by "and"; what it can't express is edited
// as text.
import type { Attribute, Kind } from './schema';

export type Op = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'match' | 'empty' | 'present';

export interface Condition {
  path: string;
  op: Op;
  value: string;
}

const labels: Record<Op, string> = {
  eq: 'is', ne: 'is not', gt: 'is more than', gte: 'is at least', lt: 'is less than', lte: 'is at most', match: 'contains', empty: 'is empty', present: 'has a value',
};

/** The comparisons that make sense for a kind of attribute, as [op, label]. */
export function opsOf(kind: Kind): [Op, string][] {
  switch (kind) {
    case 'number':
      return (['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'empty', 'present'] as Op[]).map((o) => [o, labels[o]]);
    case 'date':
      return [['gte', 'from'], ['gt', 'after'], ['lte', 'until'], ['lt', 'before'], ['empty', labels.empty], ['present', labels.present]];
    case 'boolean':
      return [['eq', 'is']];
    case 'enum':
    case 'reference':
      return (['eq', 'ne', 'empty', 'present'] as Op[]).map((o) => [o, labels[o]]);
    default:
      return (['match', 'eq', 'ne', 'empty', 'present'] as Op[]).map((o) => [o, labels[o]]);
  }
}

export function takesValue(op: Op): boolean {
  return op !== 'empty' && op !== 'present';
}

const quote = (s: string): string => `'${s.replaceAll("'", "''")}'`;

/** Characters with a meaning in a pattern stand for themselves. */
const escape = (s: string): string => s.replace(/[\\.^$|*/]/g, '\\$&');

function literal(a: Attribute | undefined, v: string): string {
  if (a?.kind === 'number' && v.trim() !== '' && Number.isFinite(Number(v))) return v.trim();
  if (a?.kind === 'boolean') return v === 'false' ? 'false' : 'true';
  return quote(v);
}

/** The text of conditions, leaving out unfinished ones. */
export function compose(conditions: Condition[], all: Attribute[]): string {
  const find = (path: string): Attribute | undefined => all.find((a) => a.path === path);
  return conditions
    .filter((c) => c.path && (!takesValue(c.op) || c.value !== ''))
    .map((c) => {
      if (c.op === 'empty') return `${c.path} eq null`;
      if (c.op === 'present') return `${c.path} ne null`;
      if (c.op === 'match') return `${c.path} match /${escape(c.value)}/`;
      const a = find(c.path);
      // A day means all of it: until its end, after its end.
      const day = a?.kind === 'date' && /^\d{4}-\d{2}-\d{2}$/.test(c.value);
      if (day && (c.op === 'lte' || c.op === 'gt')) return `${c.path} ${c.op} '${c.value}T23:59:59.999999Z'`;
      if (day) return `${c.path} ${c.op} '${c.value}T00:00:00Z'`;
      return `${c.path} ${c.op} ${literal(a, c.value)}`;
    })
    .join(' and ');
}

const clause = /^\s*([A-Za-z_][\w.]*)\s+(eq|ne|gte|gt|lte|lt|match)\s+('(?:[^']|'')*'|\/(?:\\.|[^\\/])*\/|[^\s()'/]+)\s*(?:(and)\s|$)/i;

/** Reads a text that the form can show. Null when it can't. */
export function read(text: string, all: Attribute[]): Condition[] | null {
  const out: Condition[] = [];
  let rest = text;
  while (rest.trim()) {
    const m = clause.exec(rest);
    const [whole, path, word, raw, more] = m ?? [];
    if (!whole || !path || !word || raw === undefined) return null;
    const a = all.find((x) => x.path === path);
    if (!a) return null;
    let op = word.toLowerCase() as Op;
    let value = raw;
    if (raw === 'null' && (op === 'eq' || op === 'ne')) [op, value] = [op === 'eq' ? 'empty' : 'present', ''];
    else if (op === 'match') {
      if (!raw.startsWith('/')) return null;
      value = raw.slice(1, -1);
      // A pattern with special characters that aren't escaped is more than "contains".
      if (/(^|[^\\])[.^$|*]/.test(value.replace(/\\./g, ''))) return null;
      value = value.replace(/\\(.)/g, '$1');
    } else if (raw.startsWith("'")) value = raw.slice(1, -1).replaceAll("''", "'");
    else if (raw.startsWith('/')) return null;
    if (a.kind === 'date') value = value.replace(/T(00:00:00|23:59:59\.999999)Z$/, '');
    if (!opsOf(a.kind).some(([o]) => o === op)) return null;
    out.push({ path, op, value });
    rest = rest.slice(whole.length);
    if (more && !rest.trim()) return null;
  }
  return out;
}

/** Where the server says a filter is malformed, as an index into the text; null when it doesn't say. */
export function errorPosition(message: string, text: string): number | null {
  const m = /\bat byte (\d+)/.exec(message);
  if (!m) return null;
  const bytes = new TextEncoder().encode(text);
  const at = Math.min(Number(m[1]), bytes.length);
  return new TextDecoder().decode(bytes.slice(0, at)).length;
}

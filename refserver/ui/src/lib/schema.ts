import type { Attributes, Collection, Schema } from '../api/connec';
import { isDate, words } from './format';

export type Kind = 'text' | 'number' | 'boolean' | 'date' | 'enum' | 'reference' | 'amount' | 'object' | 'list';

/** One attribute, wherever it is nested: "email.address". */
export interface Attribute {
  path: string;
  label: string;
  kind: Kind;
  schema: Schema;
  /** The collection that a reference points to, when there is one. */
  target?: string;
}

/** Attributes that the platform keeps itself. */
export const platform = new Set(['id', 'created_at', 'updated_at', 'group_id', 'channel_id', 'resource_type', '_version', 'type_hint', 'matching_records']);

const systemDates: Schema = { type: 'string', format: 'date-time', readOnly: true };

/** Follows a reference within the schema or to a file that was sent with it. */
function resolve(s: Schema, root: Schema): Schema {
  if (!s.$ref) return s;
  const name = s.$ref.split('/').at(-1) ?? '';
  const { $ref: _, ...rest } = s;
  const found = root.$defs?.[name] ?? findDef(root, name);
  return found ? { ...resolve(found, root), ...rest } : rest;
}

function findDef(root: Schema, name: string): Schema | undefined {
  for (const d of Object.values(root.$defs ?? {})) if (d.$defs?.[name]) return d.$defs[name];
  return undefined;
}

function typeOf(s: Schema): string {
  const types = Array.isArray(s.type) ? s.type.filter((t) => t !== 'null') : [s.type];
  return types[0] ?? (s.properties ? 'object' : s.items ? 'array' : s.enum ? 'string' : '');
}

function kindOf(s: Schema): Kind {
  if (s['x-amount']) return 'amount';
  if (s['x-reference'] !== undefined) return 'reference';
  switch (typeOf(s)) {
    case 'object':
      return 'object';
    case 'array':
      return 'list';
    case 'number':
    case 'integer':
      return 'number';
    case 'boolean':
      return 'boolean';
    default:
      if (s.enum?.length) return 'enum';
      return s.format === 'date-time' || s.format === 'date' ? 'date' : 'text';
  }
}

function attribute(path: string, s: Schema): Attribute {
  const steps = path.split('.');
  const ref = s['x-reference'];
  const target = typeof ref === 'string' && !ref.includes('/') ? ref : undefined;
  const label = words(steps.at(-1) ?? path);
  const label2 = steps.length > 1 ? `${words(steps.slice(0, -1).join(' '))}: ${label.toLowerCase()}` : label;
  return { path, label: label2, kind: kindOf(s), schema: s, target };
}

/** The attributes of a record, nested objects opened, lists as they are. */
export function attributes(c: Collection): Attribute[] {
  const out: Attribute[] = [];
  const walk = (properties: Record<string, Schema>, prefix: string, depth: number): void => {
    for (const [name, raw] of Object.entries(properties)) {
      const s = resolve(raw, c.schema);
      const path = prefix + name;
      if (!prefix && platform.has(name)) continue;
      const a = attribute(path, s);
      if (a.kind === 'amount') {
        out.push(a);
        continue;
      }
      if (a.kind === 'object' && s.properties && depth < 3) walk(s.properties, `${path}.`, depth + 1);
      else out.push(a);
    }
  };
  walk(c.schema.properties ?? {}, '', 0);
  out.push({ ...attribute('created_at', systemDates), label: 'Created' }, { ...attribute('updated_at', systemDates), label: 'Changed' });
  return out;
}

/** The attributes that a filter can ask about. */
export function filterable(all: Attribute[]): Attribute[] {
  return all.flatMap((a): Attribute[] => {
    if (a.kind === 'list' || a.kind === 'object') return [];
    if (a.kind === 'amount') {
      return ['total_amount', 'net_amount', 'tax_amount'].map((n) => ({
        path: `${a.path}.${n}`, label: `${a.label}: ${words(n.replace('_amount', '')).toLowerCase()}`, kind: 'number' as const, schema: { type: 'number' },
      }));
    }
    return [a];
  });
}

/** Whether the server can sort by an attribute. */
export function sortable(a: Attribute): string | null {
  if (a.kind === 'amount') return `${a.path}.total_amount`;
  return a.kind === 'list' || a.kind === 'object' ? null : a.path;
}

export function value(record: Attributes, path: string): unknown {
  let v: unknown = record;
  for (const step of path.split('.')) {
    if (v === null || typeof v !== 'object') return undefined;
    v = (v as Attributes)[step];
  }
  return v;
}

/** What a record is called. */
export function nameOf(record: Attributes): string {
  for (const key of ['transaction_number', 'payment_reference', 'name', 'full_name']) {
    const v = record[key];
    if (typeof v === 'string' && v.trim()) return v;
  }
  const person = [record.first_name, record.last_name].filter((v) => typeof v === 'string' && v).join(' ');
  if (person) return person;
  for (const key of ['reference', 'number', 'title', 'code', 'description', 'id']) {
    const v = record[key];
    if ((typeof v === 'string' && v.trim()) || typeof v === 'number') return String(v);
  }
  return 'Record';
}

/** What the first column shows: the attribute that names most of the collection's records. */
const preferred: Record<string, string[]> = {
  invoices: ['transaction_number', 'transaction_date', 'organization_id', 'status', 'due_date', 'amount', 'balance'],
  payments: ['payment_reference', 'transaction_date', 'organization_id', 'status', 'amount'],
  organizations: ['name', 'code', 'is_customer', 'is_supplier', 'email.address', 'phone.landline', 'status'],
  people: ['full_name', 'organization_id', 'job_title', 'email.address', 'phone_work.landline', 'status'],
  employees: ['employee_id', 'first_name', 'last_name', 'job_title', 'gender', 'hired_date', 'email.address'],
  items: ['name', 'reference', 'type', 'sale_price', 'purchase_price', 'quantity_on_hand', 'status'],
  accounts: ['code', 'name', 'class', 'type', 'balance', 'currency', 'status'],
  journals: ['transaction_number', 'transaction_date', 'status', 'private_note'],
};

const common = ['transaction_number', 'name', 'full_name', 'first_name', 'last_name', 'title', 'code', 'reference', 'transaction_date', 'start_date', 'organization_id', 'person_id', 'employee_id', 'status', 'type', 'amount', 'updated_at'];

/** The columns of a table before the reader chooses, of what the records at hand really have. */
export function defaultColumns(collection: string, all: Attribute[], records: Attributes[]): string[] {
  const known = new Set(all.map((a) => a.path));
  const present = (p: string): boolean => records.length === 0 || records.some((r) => filled(value(r, p)));
  const wish = preferred[collection] ?? common;
  const first = wish.filter((p) => known.has(p) && present(p));
  const rest = all.filter((a) => a.kind !== 'list' && !wish.includes(a.path) && !a.path.includes('.') && a.path !== 'created_at' && present(a.path)).map((a) => a.path);
  const columns = first.length >= 3 ? first.slice(0, 7) : [...first, ...rest].slice(0, 6);
  return columns.includes('updated_at') || columns.length >= 7 ? columns : [...columns, 'updated_at'];
}

/** What people look for first; the rest goes by name. */
const order = [
  'name', 'full_name', 'title', 'first_name', 'last_name', 'transaction_number', 'payment_reference', 'employee_id', 'code', 'reference', 'status', 'type', 'class',
  'organization_id', 'person_id', 'job_title', 'transaction_date', 'due_date', 'start_date', 'end_date', 'hired_date', 'birth_date', 'amount', 'balance', 'description',
];

export function inOrder(keys: string[]): string[] {
  const place = (k: string): number => (order.indexOf(k) + 1 || order.length + 1);
  return [...keys].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

export function filled(v: unknown): boolean {
  if (v === undefined || v === null || v === '') return false;
  if (Array.isArray(v)) return v.length > 0;
  if (typeof v === 'object') return Object.values(v).some(filled);
  return true;
}

/** Guesses the kind of a value that the schema doesn't know. */
export function guess(v: unknown): Kind {
  if (typeof v === 'number') return 'number';
  if (typeof v === 'boolean') return 'boolean';
  if (Array.isArray(v)) return 'list';
  if (v !== null && typeof v === 'object') return 'total_amount' in v || 'net_amount' in v ? 'amount' : 'object';
  return isDate(v) ? 'date' : 'text';
}

/** Finds the attribute at a path through objects and lists, where the schema knows it. */
export function lookup(c: Collection | undefined, path: string[]): Attribute | undefined {
  if (!c) return undefined;
  let s: Schema | undefined = c.schema;
  for (const step of path) {
    s = resolve(s, c.schema);
    if (typeOf(s) === 'array' && s.items) s = resolve(s.items, c.schema);
    s = s.properties?.[step];
    if (!s) return undefined;
  }
  return attribute(path.join('.'), resolve(s, c.schema));
}

// Connec: collections, records and their history.
import { call } from './http';

export type Attributes = Record<string, unknown>;

export interface Rec extends Attributes {
  id: string;
  created_at: string;
  updated_at: string;
}

export interface ExternalID {
  id: string;
  provider: string;
  realm: string;
  group_id?: string;
}

/** The part of JSON Schema that the collections use. */
export interface Schema {
  title?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  readOnly?: boolean;
  $ref?: string;
  $defs?: Record<string, Schema>;
  'x-reference'?: string | string[];
  'x-reference-type'?: string;
  'x-children'?: boolean;
  'x-amount'?: boolean;
}

export interface Collection {
  name: string;
  singleton: boolean;
  schema: Schema;
}

export interface Page {
  records: Rec[];
  skip: number;
  top: number;
  total: number;
}

export interface Transaction {
  id: string;
  sequence: number;
  version: number;
  action: 'CREATE' | 'UPDATE' | string;
  actor: { type: string; id: string; name?: string };
  group?: string;
  request_id?: string;
  before?: Attributes;
  after?: Attributes;
  at: string;
}

const base = '/api/v2';
const enc = encodeURIComponent;

/** All collections with their schemas. It needs no session. */
export async function collections(signal?: AbortSignal): Promise<Collection[]> {
  const body = await call<{ resource_types: Partial<Collection>[] }>(`${base}/json_schema`, { signal });
  return (body.resource_types ?? []).map((t) => ({ name: t.name ?? '', singleton: t.singleton ?? false, schema: t.schema ?? {} }));
}

/** The names of the collections that the organization may see. */
export async function discover(organization: string, signal?: AbortSignal): Promise<string[]> {
  const body = await call<{ _links: Record<string, unknown>[] }>(`${base}/${enc(organization)}`, { signal });
  return (body._links ?? []).flatMap((l) => Object.keys(l));
}

export interface ListQuery {
  filter?: string;
  orderby?: string;
  top?: number;
  skip?: number;
}

export async function list(organization: string, collection: string, q: ListQuery, signal?: AbortSignal): Promise<Page> {
  const body = await call<Record<string, unknown>>(`${base}/${enc(organization)}/${enc(collection)}`, {
    query: { $filter: q.filter, $orderby: q.orderby, $top: q.top, $skip: q.skip || undefined },
    signal,
  });
  const value = body[collection];
  const records = (Array.isArray(value) ? value : value ? [value] : []) as Rec[];
  const p = (body.pagination ?? {}) as Partial<Page>;
  return { records, skip: p.skip ?? 0, top: p.top ?? (q.top ?? 100), total: p.total ?? records.length };
}

/** How many records a collection has. */
export async function count(organization: string, collection: string, signal?: AbortSignal): Promise<number> {
  return (await list(organization, collection, { top: 1 }, signal)).total;
}

export interface FullRecord {
  record: Rec;
  externalIDs: ExternalID[];
}

/** A record with the ids that other systems know it by. */
export async function show(organization: string, collection: string, id: string, signal?: AbortSignal): Promise<FullRecord> {
  const body = await call<Record<string, Attributes>>(`${base}/${enc(organization)}/${enc(collection)}/${enc(id)}`, {
    headers: { 'CONNEC-EXTERNAL-IDS': 'true' },
    signal,
  });
  const raw = body[collection] ?? {};
  const externalIDs = isIDs(raw.id) ? raw.id.filter((i) => i.provider !== 'connec') : [];
  return { record: plain(raw) as Rec, externalIDs };
}

/** Changes attributes of a record; absent ones keep their values. */
export async function update(organization: string, collection: string, id: string, attributes: Attributes): Promise<void> {
  await call(`${base}/${enc(organization)}/${enc(collection)}/${enc(id)}`, { method: 'PUT', body: { [collection]: attributes } });
}

/** What was done to a record, newest first. */
export async function history(organization: string, collection: string, id: string, signal?: AbortSignal): Promise<Transaction[]> {
  const body = await call<{ transactions?: Transaction[] }>(`${base}/${enc(organization)}/${enc(collection)}/${enc(id)}/history`, { signal });
  return body.transactions ?? [];
}

function isIDs(v: unknown): v is ExternalID[] {
  return Array.isArray(v) && v.length > 0 && v.every((x) => x !== null && typeof x === 'object' && 'provider' in x && 'id' in x);
}

/** Replaces lists of ids by Connec's own id, so that a record looks the same however it was asked for. */
export function plain(v: unknown): unknown {
  if (isIDs(v)) return (v.find((i) => i.provider === 'connec') ?? v[0])?.id ?? '';
  if (Array.isArray(v)) return v.map(plain);
  if (v !== null && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]));
  return v;
}

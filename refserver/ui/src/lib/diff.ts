import type { Attributes } from '../api/connec';

export interface Change {
  path: string[];
  before: unknown;
  after: unknown;
}

const isObject = (v: unknown): v is Attributes => v !== null && typeof v === 'object' && !Array.isArray(v);

/** What the platform itself writes at every change. */
const ignored = new Set(['updated_at', 'created_at', 'id', 'group_id', 'channel_id', 'resource_type']);

/** The attributes in which two versions of a record differ. Records in lists are compared by their ids. */
export function diff(before: Attributes | undefined, after: Attributes | undefined): Change[] {
  const out: Change[] = [];
  walk(before ?? {}, after ?? {}, [], out);
  return out.filter((c) => c.path.length > 1 || !ignored.has(c.path[0] ?? ''));
}

function walk(before: unknown, after: unknown, path: string[], out: Change[]): void {
  if (same(before, after)) return;
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) walk(before[key], after[key], [...path, key], out);
    return;
  }
  if (Array.isArray(before) && Array.isArray(after) && [...before, ...after].every((x) => isObject(x) && typeof x.id === 'string')) {
    const old = new Map((before as Attributes[]).map((x) => [x.id as string, x]));
    const now = new Map((after as Attributes[]).map((x) => [x.id as string, x]));
    let n = 0;
    for (const id of new Set([...old.keys(), ...now.keys()])) {
      n++;
      const [b, a] = [old.get(id), now.get(id)];
      if (b && a) walk({ ...b, id: undefined }, { ...a, id: undefined }, [...path, String(n)], out);
      else out.push({ path: [...path, String(n)], before: b, after: a });
    }
    return;
  }
  out.push({ path, before, after });
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => same(x, b[i]));
  if (isObject(a) && isObject(b)) return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((k) => same(a[k], b[k]));
  return false;
}

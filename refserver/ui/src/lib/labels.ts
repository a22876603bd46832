import { useEffect, useState } from 'preact/hooks';

import * as connec from '../api/connec';
import { nameOf } from './schema';

/** Names of records that others refer to, kept for the page's life: organization, collection, id. */
const names = new Map<string, string | null>();
const keyOf = (organization: string, collection: string, id: string): string => `${organization} ${collection} ${id}`;

export interface Reference {
  collection: string;
  id: string;
}

const batch = 40;

/** Forgets names, because a record was changed. */
export function forgetName(organization: string, collection: string, id: string): void {
  names.delete(keyOf(organization, collection, id));
}

/** Fetches the names of records in few calls. The answer is null for one that can't be seen, undefined while it is on its way. */
export function useNames(organization: string, references: Reference[]): (r: Reference) => string | null | undefined {
  const [, arrived] = useState({});
  const wanted = references.filter((r) => r.id && !names.has(keyOf(organization, r.collection, r.id)));
  const key = wanted.map((r) => `${r.collection} ${r.id}`).sort().join(',');

  useEffect(() => {
    if (!key) return;
    const abort = new AbortController();
    const byCollection = new Map<string, Set<string>>();
    for (const r of wanted) byCollection.set(r.collection, (byCollection.get(r.collection) ?? new Set()).add(r.id));
    for (const [collection, set] of byCollection) {
      const ids = [...set];
      for (let i = 0; i < ids.length; i += batch) void fetchNames(organization, collection, ids.slice(i, i + batch), abort.signal).then(() => { if (!abort.signal.aborted) arrived({}); });
    }
    return () => abort.abort();
  }, [organization, key]);

  return (r) => names.get(keyOf(organization, r.collection, r.id));
}

async function fetchNames(organization: string, collection: string, ids: string[], signal: AbortSignal): Promise<void> {
  const filter = `_id in [${ids.map((id) => `'${id.replaceAll("'", '')}'`).join(',')}]`;
  try {
    const page = await connec.list(organization, collection, { filter, top: ids.length }, signal);
    const found = new Map(page.records.map((r) => [r.id, nameOf(r)]));
    for (const id of ids) names.set(keyOf(organization, collection, id), found.get(id) ?? null);
  } catch {
    if (!signal.aborted) for (const id of ids) names.set(keyOf(organization, collection, id), null);
  }
}

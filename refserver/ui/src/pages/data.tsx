import { useEffect, useState } from 'preact/hooks';

import * as connec from '../api/connec';
import { ApiError } from '../api/http';
import type { Here } from '../app';
import { number, words } from '../lib/format';
import { groups } from '../lib/collections';
import { useQuery } from '../lib/query';
import { Link } from '../lib/router';
import { Button } from '../ui/button';
import { Icon, type IconName } from '../ui/icon';
import { Page } from '../ui/page';
import { Empty, Failed, Skeleton } from '../ui/states';

type Count = number | 'denied' | 'failed';

/** Counts collections, a few at a time. Counts that are known stay on view while they are fetched anew. */
function useCounts(organization: string, names: string[] | undefined): Map<string, Count> {
  const [counts, setCounts] = useState<Map<string, Count>>(new Map());
  const key = names?.join(' ') ?? '';
  useEffect(() => {
    if (!key) return;
    const abort = new AbortController();
    const waiting = key.split(' ');
    const work = async (): Promise<void> => {
      for (let name = waiting.shift(); name && !abort.signal.aborted; name = waiting.shift()) {
        const collection = name;
        const n: Count = await connec.count(organization, collection, abort.signal).catch((e: unknown) =>
          e instanceof ApiError && (e.status === 401 || e.status === 403) ? ('denied' as const) : ('failed' as const),
        );
        if (!abort.signal.aborted) setCounts((old) => new Map(old).set(collection, n));
      }
    };
    for (let i = 0; i < 4; i++) void work();
    return () => abort.abort();
  }, [organization, key]);
  return counts;
}

/** The collections of shared data. */
export function DataPage({ organization }: Here) {
  const types = useQuery('collections', connec.collections);
  const links = useQuery(`discovery ${organization.uid}`, (signal) => connec.discover(organization.uid, signal));
  const visible = types.data && links.data ? types.data.filter((t) => links.data?.includes(t.name)) : undefined;
  const counts = useCounts(organization.uid, visible?.map((t) => t.name));
  const [all, setAll] = useState(false);
  const error = types.error ?? links.error;

  const known = new Set(groups.flatMap((g) => g.collections));
  const sections: { title: string; icon: IconName; collections: string[] }[] = [
    ...groups,
    { title: 'Other', icon: 'folder', collections: (visible ?? []).map((t) => t.name).filter((n) => !known.has(n)) },
  ];
  const names = new Set((visible ?? []).map((t) => t.name));
  const singletons = new Set((visible ?? []).filter((t) => t.singleton).map((t) => t.name));
  const shown = (name: string): boolean => names.has(name) && (all || (counts.get(name) !== 0 && counts.get(name) !== 'denied'));
  const done = visible !== undefined && counts.size >= visible.length;
  const hidden = [...names].filter((n) => !shown(n)).length;

  return (
    <Page
      title="Data"
      testid="page-data"
      intro={`What the apps of ${organization.name} share.`}
      actions={hidden > 0 || all ? <Button aria-pressed={all} data-testid="show-empty" onClick={() => setAll(!all)}>{all ? 'Hide empty collections' : `Show ${hidden} empty`}</Button> : null}
    >
      {!visible && !error && <Skeleton shape="cards" rows={6} />}
      {!visible && error !== null && <Failed error={error} what="Data" retry={() => { types.reload(); links.reload(); }} />}
      {done && !all && [...names].every((n) => !shown(n)) && (
        <Empty icon="data" title="No shared data yet" action={<Link class="button primary" href="/marketplace">Add an app</Link>}>
          Apps bring in customers, invoices, employees and more. Whatever one app shares, you see here.
        </Empty>
      )}
      <div data-testid="collections">
        {sections.map((s) => {
          const here = s.collections.filter(shown);
          if (here.length === 0) return null;
          return (
            <section key={s.title} class="collection-group">
              <h2><Icon name={s.icon} size={18} />{s.title}</h2>
              <ul>
                {here.map((name) => (
                  <li key={name}>
                    <Link href={`/data/${name}`} class="collection-link" data-testid={`collection-${name}`}>
                      <span>{words(name)}</span>
                      <CountText count={counts.get(name)} singleton={singletons.has(name)} />
                      <Icon name="right" size={16} />
                    </Link>
                  </li>
                ))}
              </ul>
            </section>
          );
        })}
      </div>
    </Page>
  );
}

function CountText({ count, singleton }: { count: Count | undefined; singleton: boolean }) {
  if (count === undefined) return <span class="count bone" role="status"><span class="hidden">Counting</span></span>;
  if (count === 'denied') return <span class="count muted">No access</span>;
  if (count === 'failed') return <span class="count muted">–</span>;
  return <span class="count">{singleton ? 'Profile' : number(count)}</span>;
}

import { useState } from 'preact/hooks';

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

/** Counts collections, a few at a time. */
async function counting(organization: string, names: string[], signal: AbortSignal): Promise<Map<string, Count>> {
  const counts = new Map<string, Count>();
  const waiting = [...names];
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      try {
        counts.set(name, await connec.count(organization, name, signal));
      } catch (e) {
        if (signal.aborted) throw e;
        counts.set(name, e instanceof ApiError && (e.status === 401 || e.status === 403) ? 'denied' : 'failed');
      }
    }
  };
  await Promise.all(Array.from({ length: 5 }, work));
  return counts;
}

/** The collections of shared data. */
export function DataPage({ organization }: Here) {
  const types = useQuery('collections', connec.collections);
  const links = useQuery(`discovery ${organization.uid}`, (signal) => connec.discover(organization.uid, signal));
  const visible = types.data && links.data ? types.data.filter((t) => links.data?.includes(t.name)) : undefined;
  const counted = useQuery(visible ? `counts ${organization.uid}` : null, (signal) => counting(organization.uid, (visible ?? []).map((t) => t.name), signal));
  const counts = counted.data ?? new Map<string, Count>();
  const [all, setAll] = useState(false);
  const error = types.error ?? links.error;

  const known = new Set(groups.flatMap((g) => g.collections));
  const sections: { title: string; icon: IconName; collections: string[] }[] = [
    ...groups,
    { title: 'Other', icon: 'folder', collections: (visible ?? []).map((t) => t.name).filter((n) => !known.has(n)) },
  ];
  const singletons = new Set((visible ?? []).filter((t) => t.singleton).map((t) => t.name));
  const shown = (name: string): boolean => counts.has(name) && (all || (counts.get(name) !== 0 && counts.get(name) !== 'denied'));
  const done = counted.data !== undefined;
  const hidden = [...counts.keys()].filter((n) => !shown(n)).length;

  return (
    <Page
      title="Data"
      testid="page-data"
      intro={`What the apps of ${organization.name} share.`}
      actions={hidden > 0 || all ? <Button aria-pressed={all} data-testid="show-empty" onClick={() => setAll(!all)}>{all ? 'Hide empty collections' : `Show ${hidden} empty`}</Button> : null}
    >
      {!done && !(error !== null && !visible) && <Skeleton shape="cards" rows={6} />}
      {!visible && error !== null && <Failed error={error} what="Data" retry={() => { types.reload(); links.reload(); }} />}
      {done && !all && [...counts.keys()].every((n) => !shown(n)) && (
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
                      <CountText count={counts.get(name) ?? 'failed'} singleton={singletons.has(name)} />
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

function CountText({ count, singleton }: { count: Count; singleton: boolean }) {
  if (count === 'denied') return <span class="count muted">No access</span>;
  if (count === 'failed') return <span class="count muted">–</span>;
  return <span class="count">{singleton ? 'Profile' : number(count)}</span>;
}

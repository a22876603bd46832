import { useMemo } from 'preact/hooks';

import * as hub from '../api/hub';
import type { Here } from '../app';
import { plural } from '../lib/format';
import { useQuery } from '../lib/query';
import { Link, setParams, usePlace } from '../lib/router';
import { Button } from '../ui/button';
import { Search } from '../ui/field';
import { Logo } from '../ui/logo';
import { Page } from '../ui/page';
import { Badge, Empty, Failed, Skeleton } from '../ui/states';

/** What kind of app it is, in words for customers. */
export function kindOf(stack: string): string {
  return { cube: 'Runs on this platform', cloud: 'Online service', connector: 'Data connection' }[stack] ?? 'App';
}

export function Marketplace({ organization }: Here) {
  const { search } = usePlace();
  const params = new URLSearchParams(search);
  const text = params.get('q') ?? '';
  const category = params.get('category') ?? '';
  const apps = useQuery(`marketplace ${organization.uid}`, (signal) => hub.marketplace(organization.uid, signal));
  const installed = useQuery(`instances ${organization.uid}`, (signal) => hub.appInstances(organization.uid, signal));

  const categories = useMemo(() => [...new Set((apps.data ?? []).flatMap((a) => a.categories))].sort((a, b) => a.localeCompare(b)), [apps.data]);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (apps.data ?? []).filter((a) => {
    const haystack = [a.name, a.tiny_description, a.description, ...a.categories].join(' ').toLowerCase();
    return (!category || a.categories.includes(category)) && words.every((w) => haystack.includes(w));
  });
  const have = new Set((installed.data ?? []).map((i) => i.app_nid));

  return (
    <Page title="Marketplace" testid="page-marketplace" intro={`Apps that ${organization.name} can add. They share one set of data.`}>
      <div class="toolbar">
        <Search value={text} onInput={(v) => setParams({ q: v || null }, true)} label="Search apps" testid="marketplace-search" />
        {categories.length > 0 && (
          <div class="chips" role="group" aria-label="Category">
            {['', ...categories].map((c) => (
              <button key={c} type="button" class="chip" aria-pressed={c === category} data-testid={`category-${c || 'all'}`} onClick={() => setParams({ category: c || null })}>
                {c || 'All'}
              </button>
            ))}
          </div>
        )}
      </div>
      {apps.loading && <Skeleton shape="cards" rows={6} />}
      {apps.error !== null && !apps.data && <Failed error={apps.error} retry={apps.reload} what="The marketplace" />}
      {apps.data && apps.data.length === 0 && <Empty icon="store" title="No apps on offer yet">As soon as an operator lists apps, they appear here.</Empty>}
      {apps.data && apps.data.length > 0 && (
        <>
          <p class="hidden" role="status">{plural(found.length, 'app')}</p>
          {found.length === 0 ? (
            <Empty icon="search" title="No app matches" action={<Button onClick={() => setParams({ q: null, category: null })}>Show all apps</Button>}>
              Try other words or another category.
            </Empty>
          ) : (
            <ul class="cards" data-testid="marketplace-list">
              {found.map((a) => (
                <li key={a.nid} class="card app-card" data-testid={`app-${a.nid}`}>
                  <div class="app-card-head">
                    <Logo name={a.name} src={a.logo} />
                    <div>
                      <h2><Link href={`/marketplace/${encodeURIComponent(a.nid)}`} class="cover">{a.name}</Link></h2>
                      <p class="muted">{kindOf(a.stack)}</p>
                    </div>
                    {have.has(a.nid) && <Badge tone="success">Added</Badge>}
                  </div>
                  <p class="app-card-text">{a.tiny_description || a.description}</p>
                  <div class="tags">{a.categories.map((c) => <span key={c} class="tag">{c}</span>)}</div>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </Page>
  );
}

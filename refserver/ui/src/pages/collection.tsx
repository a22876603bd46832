import { useEffect, useMemo, useState } from 'preact/hooks';

import * as connec from '../api/connec';
import { ApiError } from '../api/http';
import type { Here } from '../app';
import { number, plural, singular, words } from '../lib/format';
import { iconOf } from '../lib/collections';
import { useNames, type Reference } from '../lib/labels';
import { newest, nextOrder } from '../lib/order';
import { useQuery } from '../lib/query';
import { Link, navigate, setParams, usePlace } from '../lib/router';
import { attributes, defaultColumns, filterable, nameOf, sortable, value, type Attribute } from '../lib/schema';
import { memory } from '../lib/store';
import { Button, IconButton } from '../ui/button';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Empty, Failed, Skeleton } from '../ui/states';
import { Value, numeric } from '../ui/value';
import { ColumnChooser } from './columns';
import { FilterPanel } from './filter';

const crumbs = [{ href: '/data', label: 'Data' }];
const sizes = [25, 50, 100];

/** A collection as a table. Filter, order and page are in the address, so that a view can be sent to somebody. */
export function CollectionPage(here: Here & { collection: string }) {
  const { organization, collection } = here;
  const types = useQuery('collections', connec.collections);
  const type = types.data?.find((t) => t.name === collection);
  const title = words(collection);
  if (types.error !== null && !types.data) return <Page title={title} crumbs={crumbs} testid="page-collection"><Failed error={types.error} retry={types.reload} what={title} /></Page>;
  if (!types.data) return <Page title={title} crumbs={crumbs} testid="page-collection"><Skeleton rows={8} /></Page>;
  if (!type) {
    return (
      <Page title="Unknown collection" crumbs={crumbs} testid="page-collection">
        <Empty icon="data" title={`There is no collection “${collection}”`} action={<Link class="button primary" href="/data">All collections</Link>} />
      </Page>
    );
  }
  if (type.singleton) return <Singleton organization={organization.uid} collection={collection} />;
  return <Table {...here} type={type} />;
}

/** A collection of one record leads straight to it. */
function Singleton({ organization, collection }: { organization: string; collection: string }) {
  const page = useQuery(`list ${organization} ${collection}`, (signal) => connec.list(organization, collection, {}, signal));
  const id = page.data?.records[0]?.id;
  useEffect(() => {
    if (id) navigate(`/data/${collection}/${encodeURIComponent(id)}`, { replace: true });
  }, [id]);
  return (
    <Page title={words(collection)} crumbs={crumbs} testid="page-collection">
      {page.error !== null ? <Failed error={page.error} retry={page.reload} what={words(collection)} /> : <Skeleton shape="page" rows={4} />}
    </Page>
  );
}

function Table({ organization, collection, type }: Here & { collection: string; type: connec.Collection }) {
  const { search } = usePlace();
  const params = new URLSearchParams(search);
  const filter = params.get('filter') ?? '';
  const top = sizes.includes(Number(params.get('top'))) ? Number(params.get('top')) : 25;
  const page = Math.max(1, Math.floor(Number(params.get('page')) || 1));
  const skip = (page - 1) * top;

  const all = useMemo(() => attributes(type), [type]);
  // Documents come newest first, other records in the order in which they were made.
  const usual = all.some((a) => a.path === newest.path) ? newest.orderby : '';
  const orderby = params.get('sort') ?? usual;
  const key = `list ${organization.uid} ${collection} ${filter} ${orderby} ${top} ${skip}`;
  const list = useQuery(key, (signal) => connec.list(organization.uid, collection, { filter, orderby, top, skip }, signal));
  const [last, setLast] = useState<connec.Page | null>(null);
  useEffect(() => {
    if (list.data) setLast(list.data);
  }, [list.data]);
  const data = list.data ?? (list.error === null ? last : null);
  const refused = list.error instanceof ApiError && list.error.status === 400 && filter !== '' ? list.error : null;

  const [chosen, setChosen] = useState<string[] | null>(() => stored(collection, all));
  const columns = (chosen ?? defaultColumns(collection, all, data?.records ?? [])).map((p) => all.find((a) => a.path === p)).filter((a): a is Attribute => !!a);
  const choose = (paths: string[] | null): void => {
    memory.set(`columns.${collection}`, paths ? JSON.stringify(paths) : null);
    setChosen(paths);
  };
  const [choosing, setChoosing] = useState(false);
  const [filtering, setFiltering] = useState(filter !== '');

  const references = useMemo(() => {
    const out: Reference[] = [];
    for (const a of columns) {
      if (a.kind !== 'reference' || !a.target) continue;
      for (const r of data?.records ?? []) {
        const v = value(r, a.path);
        if (typeof v === 'string' && v) out.push({ collection: a.target, id: v });
      }
    }
    return out;
  }, [data, columns.map((c) => c.path).join()]);
  const names = useNames(organization.uid, references);

  const [sortPath, sortDirection] = orderby.split(' ');
  const sort = (path: string): void => {
    const next = nextOrder(path, orderby, usual);
    setParams({ sort: next === usual ? null : next, page: null });
  };
  const title = words(collection);
  const total = data?.total ?? 0;
  const pages = Math.max(1, Math.ceil(total / top));

  return (
    <Page
      title={title}
      crumbs={crumbs}
      testid="page-collection"
      intro={data ? <span data-testid="total">{filter ? `${plural(total, 'match', 'matches')}` : plural(total, 'record')}</span> : list.error !== null ? null : <span class="bone inline" />}
      actions={
        <>
          <Button icon="filter" aria-expanded={filtering} data-testid="filter-toggle" onClick={() => setFiltering(!filtering)}>Filter</Button>
          <Button icon="columns" data-testid="columns" onClick={() => setChoosing(true)}>Columns</Button>
          <IconButton icon="refresh" label="Refresh" data-testid="refresh" onClick={list.reload} />
        </>
      }
    >
      {filtering && (
        <FilterPanel
          key={collection}
          attributes={filterable(all)}
          filter={filter}
          error={refused}
          onApply={(text) => (text === filter ? list.reload() : setParams({ filter: text || null, page: null }))}
        />
      )}
      {list.error !== null && !refused && !data && <Failed error={list.error} retry={list.reload} what={title} />}
      {!data && list.loading && <Skeleton rows={10} />}
      {data && data.total === 0 && !refused && (
        filter
          ? <Empty icon="search" title="Nothing matches this filter" action={<Button onClick={() => setParams({ filter: null, page: null })}>Show all {title.toLowerCase()}</Button>} />
          : <Empty icon={iconOf(collection)} title={`No ${title.toLowerCase()} yet`}>As soon as one of your apps shares {title.toLowerCase()}, you see them here.</Empty>
      )}
      {data && data.total > 0 && !refused && (
        <>
          <div class="table-box" tabIndex={0} role="region" aria-label={`${title}, table`} aria-busy={list.refreshing || list.data === undefined}>
            <table class="table" data-testid="table">
              <caption class="hidden">{title}{orderby ? `, sorted by ${orderby}` : ''}</caption>
              <thead>
                <tr>
                  {columns.map((a) => {
                    const by = sortable(a);
                    const active = by !== null && sortPath === by;
                    return (
                      <th key={a.path} scope="col" class={numeric(a) ? 'numeric' : ''} aria-sort={active ? (sortDirection === 'desc' ? 'descending' : 'ascending') : undefined}>
                        {by === null ? <span class="th-text">{a.label}</span> : (
                          <button type="button" class="th-button" onClick={() => sort(by)} data-testid={`sort-${a.path}`}>
                            {a.label}
                            <Icon name={active && sortDirection === 'desc' ? 'down' : 'up'} size={14} class={active ? '' : 'idle'} />
                          </button>
                        )}
                      </th>
                    );
                  })}
                </tr>
              </thead>
              <tbody>
                {data.records.map((r) => {
                  const href = `/data/${collection}/${encodeURIComponent(r.id)}`;
                  return (
                    <tr key={r.id} data-testid="row" data-id={r.id} onClick={(e) => { if (!(e.target as Element).closest('a,button') && !getSelection()?.toString()) navigate(href); }}>
                      {columns.map((a, i) => {
                        const v = value(r, a.path);
                        const shown = <Value value={v} attribute={a} names={names} currency={typeof r.currency === 'string' ? r.currency : organization.currency} />;
                        return (
                          <td key={a.path} class={numeric(a) ? 'numeric' : ''}>
                            {i === 0 ? <Link href={href} class="row-link">{v === undefined || v === '' || a.kind === 'reference' ? nameOf(r) : shown}</Link> : shown}
                          </td>
                        );
                      })}
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
          <nav class="pager" aria-label="Pages">
            <p role="status" data-testid="pager-text">{number(data.skip + 1)}–{number(data.skip + data.records.length)} of {number(data.total)}</p>
            <label class="pager-size">
              <span>Rows</span>
              <select value={top} onChange={(e) => setParams({ top: e.currentTarget.value === '25' ? null : e.currentTarget.value, page: null })}>
                {sizes.map((n) => <option key={n} value={n} selected={n === top}>{n}</option>)}
              </select>
            </label>
            <div class="pager-buttons">
              <IconButton icon="left" label="Previous page" disabled={page <= 1} data-testid="page-previous" onClick={() => setParams({ page: page > 2 ? String(page - 1) : null })} />
              <span>Page {number(page)} of {number(pages)}</span>
              <IconButton icon="right" label="Next page" disabled={page >= pages} data-testid="page-next" onClick={() => setParams({ page: String(page + 1) })} />
            </div>
          </nav>
        </>
      )}
      {choosing && <ColumnChooser all={all} shown={columns.map((c) => c.path)} onClose={() => setChoosing(false)} onApply={choose} title={`Columns of ${singular(collection).toLowerCase()} table`} />}
    </Page>
  );
}

function stored(collection: string, all: Attribute[]): string[] | null {
  try {
    const v: unknown = JSON.parse(memory.get(`columns.${collection}`) ?? 'null');
    if (!Array.isArray(v)) return null;
    const known = v.filter((p): p is string => all.some((a) => a.path === p));
    return known.length ? known : null;
  } catch {
    return null;
  }
}

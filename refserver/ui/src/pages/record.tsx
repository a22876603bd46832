import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';

import * as connec from '../api/connec';
import * as hub from '../api/hub';
import { ApiError } from '../api/http';
import type { Here } from '../app';
import { date, singular, words } from '../lib/format';
import { iconOf } from '../lib/collections';
import { forgetName, useNames, type Reference } from '../lib/labels';
import { forget, useQuery } from '../lib/query';
import { Link } from '../lib/router';
import { filled, guess, inOrder, lookup, nameOf, platform, type Attribute } from '../lib/schema';
import { Button, IconButton } from '../ui/button';
import { Icon } from '../ui/icon';
import { Page } from '../ui/page';
import { Empty, Failed, Skeleton } from '../ui/states';
import { toast } from '../ui/toast';
import { Value, numeric, type Names } from '../ui/value';
import { EditRecord } from './edit';
import { History } from './history';

/** One record: what it holds, and what was done to it. */
export function RecordPage({ organization, collection, id }: Here & { collection: string; id: string }) {
  const org = organization.uid;
  const types = useQuery('collections', connec.collections);
  const full = useQuery(`record ${org} ${collection} ${id}`, (signal) => connec.show(org, collection, id, signal));
  const history = useQuery(`history ${org} ${collection} ${id}`, (signal) => connec.history(org, collection, id, signal));
  const apps = useQuery(`instances ${org}`, (signal) => hub.appInstances(org, signal));
  const [editing, setEditing] = useState(false);
  const type = types.data?.find((t) => t.name === collection);
  const record = full.data?.record;

  const references = useMemo(() => {
    const out: Reference[] = [];
    collect(record ?? {}, [], type, out);
    for (const t of history.data ?? []) {
      collect(t.before ?? {}, [], type, out);
      collect(t.after ?? {}, [], type, out);
    }
    return out;
  }, [record, history.data, type]);
  const names = useNames(org, references);

  const crumbs = [{ href: '/data', label: 'Data' }, ...(type?.singleton ? [] : [{ href: `/data/${collection}`, label: words(collection) }])];
  if (!record) {
    const missing = full.error instanceof ApiError && full.error.status === 404;
    return (
      <Page title={singular(collection)} crumbs={crumbs} testid="page-record">
        {full.loading && <Skeleton shape="page" rows={6} />}
        {missing && (
          <Empty icon={iconOf(collection)} title="This record doesn’t exist" action={<Link class="button primary" href={`/data/${collection}`}>All {words(collection).toLowerCase()}</Link>}>
            It may belong to another organization, or the link is wrong.
          </Empty>
        )}
        {full.error !== null && !missing && <Failed error={full.error} retry={full.reload} what="This record" />}
      </Page>
    );
  }

  const title = type?.singleton ? words(collection) : nameOf(record);
  return (
    <Page
      title={title}
      documentTitle={`${title} · ${words(collection)}`}
      crumbs={crumbs}
      testid="page-record"
      before={<span class="record-icon"><Icon name={iconOf(collection)} size={26} /></span>}
      intro={<>{singular(collection)} · changed <time dateTime={record.updated_at}>{date(record.updated_at)}</time></>}
      actions={type && <Button icon="edit" data-testid="edit-record" onClick={() => setEditing(true)}>Edit</Button>}
    >
      <div class="record">
        <div class="record-main">
          <Details record={record} type={type} names={names} currency={currencyOf(record) ?? organization.currency} />
          <Identity record={record} externalIDs={full.data?.externalIDs ?? []} />
        </div>
        <section class="record-side" aria-labelledby="history-title">
          <h2 id="history-title"><Icon name="clock" size={18} />History</h2>
          {history.loading && <Skeleton rows={4} />}
          {history.error !== null && !history.data && <Failed error={history.error} retry={history.reload} what="History" />}
          {history.data && <History transactions={history.data} apps={apps.data ?? []} type={type} names={names} currency={currencyOf(record) ?? organization.currency} />}
        </section>
      </div>
      {editing && type && (
        <EditRecord
          organization={org}
          type={type}
          record={record}
          onClose={() => setEditing(false)}
          onSaved={() => {
            setEditing(false);
            toast('Saved.');
            forget(`list ${org} ${collection}`);
            forgetName(org, collection, id);
            full.reload();
            history.reload();
          }}
        />
      )}
    </Page>
  );
}

function currencyOf(r: connec.Attributes): string | undefined {
  const amount = r.amount as connec.Attributes | undefined;
  const c = r.currency ?? amount?.currency;
  return typeof c === 'string' ? c : undefined;
}

/** Finds the references in a record, however deep. */
function collect(v: unknown, path: string[], type: connec.Collection | undefined, out: Reference[]): void {
  if (Array.isArray(v)) {
    for (const x of v) collect(x, path, type, out);
  } else if (v !== null && typeof v === 'object') {
    for (const [k, x] of Object.entries(v)) {
      if (typeof x === 'string' && k !== 'id') {
        const target = k.endsWith('_id') ? lookup(type, [...path, k])?.target : undefined;
        if (target && x) out.push({ collection: target, id: x });
      } else collect(x, [...path, k], type, out);
    }
  }
}

interface PartProps {
  record: connec.Attributes;
  type: connec.Collection | undefined;
  names: Names;
  currency?: string;
}

function Details({ record, type, names, currency }: PartProps) {
  const keys = inOrder(Object.keys(record).filter((k) => !platform.has(k) && filled(record[k])));
  const of = (k: string): Attribute | undefined => lookup(type, [k]);
  const kind = (k: string): string => (of(k)?.kind === 'amount' ? 'amount' : guess(record[k]));
  const plain = keys.filter((k) => kind(k) !== 'object' && (kind(k) !== 'list' || !objects(record[k])));
  const contact = keys.filter((k) => kind(k) === 'object' && /^(email|phone|website|contact_channel)/.test(k));
  const nested = keys.filter((k) => kind(k) === 'object' && !contact.includes(k));
  const lists = keys.filter((k) => kind(k) === 'list' && objects(record[k]));
  return (
    <>
      {plain.length > 0 && (
        <section class="card panel">
          <h2>Details</h2>
          <dl class="attributes">
            {plain.map((k) => (
              <Row key={k} label={words(k)} name={k}>
                {kind(k) === 'amount' ? <Amount value={record[k]} currency={currency} attribute={of(k)} /> : <Value value={record[k]} attribute={of(k)} names={names} currency={currency} />}
              </Row>
            ))}
          </dl>
        </section>
      )}
      {contact.length > 0 && (
        <section class="card panel">
          <h2>Contact</h2>
          <dl class="attributes">
            {contact.flatMap((k) => {
              const inner = record[k] as connec.Attributes;
              return Object.keys(inner).filter((i) => filled(inner[i])).map((i) => (
                <Row key={`${k}.${i}`} label={contactLabel(k, i)} name={`${k}.${i}`}><Value value={inner[i]} attribute={lookup(type, [k, i])} names={names} currency={currency} /></Row>
              ));
            })}
          </dl>
        </section>
      )}
      {nested.map((k) => (
        <section key={k} class="card panel">
          <h2>{words(k)}</h2>
          <Nested value={record[k] as connec.Attributes} path={[k]} type={type} names={names} currency={currency} />
        </section>
      ))}
      {lists.map((k) => <List key={k} path={[k]} title={words(k)} rows={record[k] as connec.Attributes[]} type={type} names={names} currency={currency} />)}
    </>
  );
}

function contactLabel(group: string, name: string): string {
  if (group === 'email') return name === 'address' ? 'E-mail' : 'Second e-mail';
  if (group === 'website') return name === 'url' ? 'Website' : 'Second website';
  if (!group.startsWith('phone')) return words(name);
  const place = words(group).replace('Phone', '').trim();
  return name === 'landline' ? `Phone${place ? ` (${place})` : ''}` : `${words(name)}${place ? ` (${place})` : ''}`;
}

const objects = (v: unknown): boolean => Array.isArray(v) && v.some((x) => x !== null && typeof x === 'object');

function Row({ label, name, children }: { label: string; name: string; children: ComponentChildren }) {
  return <div data-testid={`attribute-${name}`}><dt>{label}</dt><dd>{children}</dd></div>;
}

function Amount({ value, currency, attribute }: { value: unknown; currency?: string; attribute?: Attribute }) {
  const o = (value !== null && typeof value === 'object' ? value : {}) as connec.Attributes;
  const c = typeof o.currency === 'string' ? o.currency : currency;
  const parts = ([['net_amount', 'net'], ['tax_amount', 'tax']] as const).filter(([k]) => o[k] !== undefined && o.total_amount !== undefined);
  return (
    <>
      <b><Value value={value} attribute={attribute} currency={c} /></b>
      {parts.length > 0 && <span class="muted"> ({parts.map(([k, label], i) => <span key={k}>{i > 0 && ' + '}<Value value={{ total_amount: o[k], currency: c }} attribute={attribute} /> {label}</span>)})</span>}
    </>
  );
}

function Nested({ value, path, type, names, currency }: { value: connec.Attributes; path: string[] } & Omit<PartProps, 'record'>) {
  const keys = Object.keys(value).filter((k) => filled(value[k]));
  const flat = keys.filter((k) => guess(value[k]) !== 'object');
  const deep = keys.filter((k) => guess(value[k]) === 'object');
  return (
    <>
      {flat.length > 0 && (
        <dl class="attributes">
          {flat.map((k) => <Row key={k} label={words(k)} name={[...path, k].join('.')}><Value value={value[k]} attribute={lookup(type, [...path, k])} names={names} currency={currency} /></Row>)}
        </dl>
      )}
      {deep.map((k) => (
        <div key={k} class="nested">
          <h3>{words(k)}</h3>
          <Nested value={value[k] as connec.Attributes} path={[...path, k]} type={type} names={names} currency={currency} />
        </div>
      ))}
    </>
  );
}

/** Nested records as a table, such as an invoice's lines. */
function List({ path, title, rows, type, names, currency }: { path: string[]; title: string; rows: connec.Attributes[] } & Omit<PartProps, 'record'>) {
  const limit = 50;
  const [all, setAll] = useState(false);
  const keys = [...new Set(rows.flatMap((r) => Object.keys(r ?? {})))].filter(
    (k) => k !== 'id' && rows.some((r) => filled(r?.[k])) && !(k === 'status' && rows.every((r) => r?.[k] === 'ACTIVE')),
  );
  const priority = ['line_number', 'name', 'item_id', 'account_id', 'description', 'quantity', 'unit_price', 'amount', 'total_price'];
  keys.sort((a, b) => (priority.indexOf(a) + 1 || 5.5) - (priority.indexOf(b) + 1 || 5.5));
  const of = (k: string): Attribute | undefined => lookup(type, [...path, k]);
  const columns = keys.filter((k) => k !== 'description' || !repeats(rows, of('item_id')?.target, names));
  return (
    <section class="card panel">
      <h2>{title} <span class="muted">{rows.length}</span></h2>
      <div class="table-box flat" tabIndex={0} role="region" aria-label={title}>
        <table class="table">
          <thead><tr>{columns.map((k) => <th key={k} scope="col" class={right(of(k), rows, k) ? 'numeric' : ''}>{k === 'line_number' ? '#' : words(k)}</th>)}</tr></thead>
          <tbody>
            {rows.slice(0, all ? undefined : limit).map((r, i) => (
              <tr key={i}>{columns.map((k) => <td key={k} class={right(of(k), rows, k) ? 'numeric' : ''}><Value value={r?.[k]} attribute={of(k)} names={names} currency={currency} /></td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > limit && !all && <Button small onClick={() => setAll(true)}>Show all {rows.length}</Button>}
    </section>
  );
}

/** Whether descriptions only say once more what the items beside them are called. */
function repeats(rows: connec.Attributes[], items: string | undefined, names: Names): boolean {
  return items !== undefined && rows.every((r) => !filled(r?.description) || (typeof r.item_id === 'string' && names({ collection: items, id: r.item_id }) === r.description));
}

function right(a: Attribute | undefined, rows: connec.Attributes[], k: string): boolean {
  return a ? numeric(a) : rows.some((r) => typeof r?.[k] === 'number');
}

/** How the platform and other systems know the record. */
function Identity({ record, externalIDs }: { record: connec.Rec; externalIDs: connec.ExternalID[] }) {
  const copy = (text: string): void => {
    navigator.clipboard.writeText(text).then(() => toast('Copied.'), () => toast('Your browser doesn’t allow copying.', 'danger'));
  };
  return (
    <section class="card panel">
      <h2>Identity</h2>
      <dl class="attributes">
        <Row label="Record ID" name="id"><span class="with-copy"><code>{record.id}</code><IconButton icon="copy" label="Copy record ID" onClick={() => copy(record.id)} /></span></Row>
        {externalIDs.map((x) => (
          <Row key={`${x.provider} ${x.realm} ${x.id}`} label={`ID in ${x.provider}`} name={`external-${x.provider}`}>
            <code>{x.id}</code>{x.realm && <span class="muted"> · {x.realm}</span>}
          </Row>
        ))}
        <Row label="Created" name="created_at"><time dateTime={record.created_at}>{date(record.created_at)}</time></Row>
      </dl>
    </section>
  );
}

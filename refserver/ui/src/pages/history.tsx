import { useState } from 'preact/hooks';

import type { Collection, Transaction } from '../api/connec';
import type { AppInstance } from '../api/hub';
import { diff, type Change } from '../lib/diff';
import { ago, date, plural, words } from '../lib/format';
import { lookup } from '../lib/schema';
import { Icon } from '../ui/icon';
import { Button } from '../ui/button';
import { Value, type Names } from '../ui/value';

interface Props {
  transactions: Transaction[];
  /** The organization's apps, to name those that changes came through. */
  apps: AppInstance[];
  type: Collection | undefined;
  names: Names;
  currency?: string;
}

const step = 20;

/** Who changed what, newest first. */
export function History({ transactions, apps, type, names, currency }: Props) {
  const [shown, setShown] = useState(step);
  if (transactions.length === 0) return <p class="muted">No changes are recorded.</p>;
  return (
    <>
      <ol class="timeline" data-testid="history">
        {transactions.slice(0, shown).map((t, i) => <Entry key={t.id} t={t} open={i === 0} apps={apps} type={type} names={names} currency={currency} />)}
      </ol>
      {transactions.length > shown && <Button small onClick={() => setShown(shown + step)}>Show earlier changes</Button>}
    </>
  );
}

function actorName(t: Transaction): string {
  if (t.actor?.name) return t.actor.name;
  const kind = { user: 'A user', app: 'An app', service: 'The platform', tenant: 'The operator' }[t.actor?.type] ?? words(t.actor?.type ?? 'someone');
  return kind;
}

/** The app that a change came through, where that is not the one that made it. */
function channel(t: Transaction, apps: AppInstance[]): string {
  if (!t.group || t.actor?.type === 'app') return '';
  const name = apps.find((i) => i.uid === t.group)?.name;
  return name && name !== t.actor?.name ? name : '';
}

function Entry({ t, open: initially, apps, type, names, currency }: { t: Transaction; open: boolean } & Omit<Props, 'transactions'>) {
  const created = t.action === 'CREATE';
  const through = channel(t, apps);
  const changes = diff(t.before, t.after);
  const [open, setOpen] = useState(initially && !created);
  const summary = created ? plural(changes.length, 'attribute') : changes.length === 0 ? 'No attribute changed' : changes.length === 1 ? pathLabel(changes[0]) : plural(changes.length, 'change');
  return (
    <li data-testid="history-entry" data-version={t.version}>
      <span class={`dot ${created ? 'created' : ''}`} aria-hidden="true"><Icon name={created ? 'plus' : 'edit'} size={13} /></span>
      <div class="entry">
        <p class="entry-head"><b>{actorName(t)}</b> {created ? 'created this record' : 'changed it'}</p>
        <p class="muted entry-time"><time dateTime={t.at} title={date(t.at)}>{ago(t.at)}</time> · version {t.version}{through && ` · through ${through}`}</p>
        {changes.length > 0 && (
          <button type="button" class="disclosure" aria-expanded={open} onClick={() => setOpen(!open)}>
            <Icon name={open ? 'chevron' : 'right'} size={14} />{summary}
          </button>
        )}
        {changes.length === 0 && <p class="muted">{summary}</p>}
        {open && (
          <dl class="changes">
            {changes.map((c) => (
              <div key={c.path.join('.')}>
                <dt>{pathLabel(c)}</dt>
                <dd>
                  {!created && c.before !== undefined && <del><span class="hidden">before: </span><Shown c={c} v={c.before} type={type} names={names} currency={currency} /></del>}
                  {!created && <span class="arrow" aria-hidden="true">→</span>}
                  {c.after !== undefined ? <ins><span class="hidden">{created ? '' : 'after: '}</span><Shown c={c} v={c.after} type={type} names={names} currency={currency} /></ins> : <ins class="muted">removed</ins>}
                </dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </li>
  );
}

function Shown({ c, v, type, names, currency }: { c: Change; v: unknown } & Omit<Props, 'transactions' | 'apps'>) {
  const attribute = lookup(type, c.path.filter((p) => !/^\d+$/.test(p)));
  return <Value value={v} attribute={attribute} names={names} currency={currency} />;
}

function pathLabel(c: Change | undefined): string {
  return (c?.path ?? []).map((p, i) => (i === 0 ? words(p) : /^\d+$/.test(p) ? p : words(p).toLowerCase())).join(' › ');
}

import { useEffect, useId, useMemo, useState } from 'preact/hooks';

import { ImpacError, show, type Metadata, type WidgetData } from './api';
import { ChartView } from './chart';
import { date } from './format';
import { Icon } from './icons';
import { Menu, type MenuItem } from './menu';
import { SettingsPanel, type OrganizationChoice } from './panel';
import { periodLabel, settingsOf } from './settings';
import { view, type View } from './view';

export interface WidgetProps {
  host: HTMLElement;
  endpoint: string;
  title: string;
  metadata: Metadata;
  apiBase: string | null;
  session: string | null;
  organizations: OrganizationChoice[];
  editable: boolean;
  movable: boolean;
  removable: boolean;
  /** Rises when the figures shall be computed anew. */
  generation: number;
  emit(type: string, detail?: unknown): void;
}

type State = { kind: 'loading' } | { kind: 'ready'; data: WidgetData } | { kind: 'error'; message: string };

/** One widget: its frame, its settings and whatever it shows. */
export function Widget(p: WidgetProps) {
  const id = useId();
  const [state, setState] = useState<State>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const [busy, setBusy] = useState(false);
  const [asTable, setAsTable] = useState(false);
  const [editing, setEditing] = useState(false);
  const key = JSON.stringify([p.endpoint, p.metadata, p.apiBase, p.session]);

  useEffect(() => {
    if (!p.endpoint) return;
    const abort = new AbortController();
    setBusy(true);
    const refresh = attempt > 0 || p.generation > 0;
    show(p.endpoint, p.metadata, refresh, { base: p.apiBase, session: p.session }, abort.signal).then(
      (data) => setState({ kind: 'ready', data }),
      (e: unknown) => {
        if (abort.signal.aborted) return;
        setState({ kind: 'error', message: explain(e) });
        p.emit('impac-error', { status: e instanceof ImpacError ? e.status : 0 });
      },
    ).finally(() => { if (!abort.signal.aborted) setBusy(false); });
    return () => abort.abort();
  }, [key, attempt, p.generation]);

  const shown = useMemo(() => (state.kind === 'ready' ? view(p.endpoint, state.data.content, p.metadata) : null), [state, key]);
  const status = state.kind !== 'ready' ? state.kind : shown?.empty ? 'empty' : 'ready';
  useEffect(() => {
    p.host.dataset.state = busy && state.kind === 'loading' ? 'loading' : status;
    p.emit('impac-state', { state: status });
  }, [status, busy]);

  const title = p.title || (state.kind === 'ready' && state.data.name) || 'Report';
  const items: MenuItem[] = [
    { label: 'Refresh', testid: 'widget-refresh', run: () => setAttempt(attempt + 1) },
    ...(p.movable
      ? [
          { label: 'Move earlier', testid: 'widget-earlier', run: () => p.emit('impac-move', { by: -1 }) },
          { label: 'Move later', testid: 'widget-later', run: () => p.emit('impac-move', { by: 1 }) },
        ]
      : []),
    ...(p.removable ? [{ label: 'Remove', testid: 'widget-remove', danger: true, run: () => p.emit('impac-remove') }] : []),
  ];

  return (
    <section class="card" aria-labelledby={`${id}-t`} aria-busy={busy} part="card">
      <header class="head">
        <div class="titles">
          <h2 id={`${id}-t`} class="title" part="title">{title}</h2>
          <p class="sub">{subtitle(p)}</p>
        </div>
        <div class="actions">
          {shown && !shown.empty && shown.chart && (
            <button type="button" class="icon" aria-pressed={asTable} aria-label="Show as table" title={asTable ? 'Show as chart' : 'Show as table'} data-testid="widget-table" onClick={() => setAsTable(!asTable)}>
              <Icon name={asTable ? 'chart' : 'table'} />
            </button>
          )}
          {p.editable && (
            <button type="button" class="icon" aria-label={`Settings of ${title}`} title="Settings" data-testid="widget-edit" onClick={() => setEditing(true)}>
              <Icon name="settings" />
            </button>
          )}
          <Menu label={`More actions for ${title}`} items={items} />
        </div>
      </header>
      {busy && state.kind !== 'loading' && <div class="progress" aria-hidden="true" />}
      <div class="body">
        {state.kind === 'loading' && <Skeleton />}
        {state.kind === 'error' && (
          <div class="message" role="alert">
            <Icon name="alert" />
            <p>{state.message}</p>
            <button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>Try again</button>
          </div>
        )}
        {shown?.empty && (
          <div class="message">
            <Icon name="empty" />
            <p>{shown.empty}</p>
          </div>
        )}
        {shown && !shown.empty && <Figures host={p.host} shown={shown} title={title} asTable={asTable} />}
        {shown?.notes && <ul class="notes">{shown.notes.map((n) => <li key={n}>{n}</li>)}</ul>}
      </div>
      {editing && (
        <SettingsPanel
          endpoint={p.endpoint}
          title={title}
          metadata={p.metadata}
          organizations={p.organizations}
          onClose={() => setEditing(false)}
          onApply={(patch, name) => { setEditing(false); p.emit('impac-change', { metadata: patch, name }); }}
        />
      )}
    </section>
  );
}

function Figures({ host, shown, title, asTable }: { host: HTMLElement; shown: View; title: string; asTable: boolean }) {
  return (
    <>
      <dl class="headlines">
        {shown.headlines.map((h) => (
          <div key={h.label}>
            <dt>{h.label}</dt>
            <dd title={h.exact}>{h.value}</dd>
          </div>
        ))}
      </dl>
      {asTable || !shown.chart ? (
        <div class="table" tabIndex={0} role="region" aria-label={`${title}, table`}>
          <table>
            <caption class="hidden">{shown.summary}</caption>
            <thead>
              <tr>{shown.table.columns.map((c) => <th key={c.label} scope="col" class={c.numeric ? 'numeric' : ''}>{c.label}</th>)}</tr>
            </thead>
            <tbody>
              {shown.table.rows.map((row, i) => (
                <tr key={i}>
                  {row.map((cell, j) => j === 0 ? <th key={j} scope="row">{cell}</th> : <td key={j} class={shown.table.columns[j]?.numeric ? 'numeric' : ''}>{cell}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <ChartView host={host} chart={shown.chart} summary={shown.summary} />
      )}
    </>
  );
}

function Skeleton() {
  return (
    <div class="skeleton" role="status">
      <span class="hidden">Loading</span>
      <div class="sk-line" />
      <div class="sk-bars">{[45, 70, 55, 85, 65, 95, 75, 60].map((h, i) => <span key={i} style={{ height: `${h}%` }} />)}</div>
    </div>
  );
}

function subtitle(p: WidgetProps): string {
  const parts: string[] = [];
  const chosen = p.metadata.organization_ids ?? [];
  if (p.organizations.length > 1) {
    parts.push(chosen.length === 1 ? (p.organizations.find((o) => o.uid === chosen[0])?.name ?? '') : `${chosen.length} organizations`);
  }
  if (settingsOf(p.endpoint).period) parts.push(periodLabel(p.metadata, date));
  else parts.push('Today');
  return parts.filter(Boolean).join(' · ');
}

function explain(e: unknown): string {
  if (!(e instanceof ImpacError)) return 'This report could not be shown.';
  switch (e.status) {
    case 0:
      return 'No connection to the server.';
    case 401:
    case 403:
      return 'You don’t have access to these figures.';
    case 404:
      return 'This report doesn’t exist any more.';
    case 400:
    case 422:
      return e.message || 'The settings of this report don’t work.';
    case 503:
      return 'Reports are not available at the moment.';
    default:
      return 'The report could not be computed.';
  }
}

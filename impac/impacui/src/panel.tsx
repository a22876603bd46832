import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { HistParameters, Interval, Metadata } from './api';
import { Icon } from './icons';
import { intervalFor, intervals, periodOf, periods, rangeLabel, settingsOf } from './settings';

export interface OrganizationChoice {
  uid: string;
  name: string;
}

interface Props {
  endpoint: string;
  title: string;
  metadata: Metadata;
  organizations: OrganizationChoice[];
  onApply(patch: Metadata, title: string): void;
  onClose(): void;
}

const today = (): string => new Date().toISOString().slice(0, 10);

/** The dialog in which a widget is set. */
export function SettingsPanel({ endpoint, title, metadata, organizations, onApply, onClose }: Props) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const settings = settingsOf(endpoint);
  const [name, setName] = useState(title);
  const [orgs, setOrgs] = useState<string[]>(metadata.organization_ids ?? []);
  const [period, setPeriod] = useState(periodOf(metadata.hist_parameters));
  const [interval, setInterval] = useState<Interval>(metadata.hist_parameters?.period ?? 'MONTHLY');
  const [from, setFrom] = useState(metadata.hist_parameters?.from ?? `${today().slice(0, 4)}-01-01`);
  const [to, setTo] = useState(metadata.hist_parameters?.to ?? today());
  const [width, setWidth] = useState(Number(metadata.width) >= 12 ? 12 : 6);
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries(settings.choices.map((c) => [c.key, String(metadata[c.key] ?? c.initial)])),
  );
  const [error, setError] = useState('');

  useLayoutEffect(() => {
    const d = dialog.current;
    if (d && !d.open) d.showModal();
  }, []);

  const submit = (e: Event): void => {
    e.preventDefault();
    if (organizations.length > 0 && orgs.length === 0) return setError('Choose at least one organization.');
    if (settings.period && period === 'custom' && (!from || !to)) return setError('Give both days.');
    if (settings.period && period === 'custom' && from > to) return setError('The first day must not be after the last.');
    const patch: Metadata = { ...values, width };
    if (patch.limit_entries) patch.limit_entries = Number(patch.limit_entries);
    if (orgs.length > 0) patch.organization_ids = orgs;
    if (settings.period) patch.hist_parameters = windowOf(period, interval, from, to);
    onApply(patch, name.trim() || title);
  };

  return (
    <dialog ref={dialog} aria-labelledby={`${id}-title`} onClose={onClose} onClick={(e) => e.target === dialog.current && dialog.current?.close()} data-testid="widget-settings">
      <form method="dialog" onSubmit={submit} noValidate>
        <header>
          <h3 id={`${id}-title`}>Widget settings</h3>
          <button type="button" class="icon" aria-label="Close" onClick={() => dialog.current?.close()}><Icon name="close" /></button>
        </header>
        <div class="fields">
          <label>Title<input type="text" value={name} maxLength={80} onInput={(e) => setName(e.currentTarget.value)} data-testid="widget-title" /></label>
          {settings.period && (
            <label>Period
              <select value={period} data-testid="widget-period" onChange={(e) => { const v = e.currentTarget.value; setPeriod(v); setInterval(intervalFor(v)); }}>
                {periods.map(([v, label]) => <option key={v} value={v} selected={v === period}>{label}</option>)}
                {!periods.some(([v]) => v === period) && <option value={period} selected>{rangeLabel(period)}</option>}
              </select>
            </label>
          )}
          {settings.period && period === 'custom' && (
            <div class="pair">
              <label>From<input type="date" value={from} max={to} onInput={(e) => setFrom(e.currentTarget.value)} /></label>
              <label>To<input type="date" value={to} min={from} onInput={(e) => setTo(e.currentTarget.value)} /></label>
            </div>
          )}
          {settings.intervals && (
            <label>Shown by
              <select value={interval} data-testid="widget-interval" onChange={(e) => setInterval(e.currentTarget.value as Interval)}>
                {intervals.map(([v, label]) => <option key={v} value={v} selected={v === interval}>{label}</option>)}
              </select>
            </label>
          )}
          {settings.choices.map((c) => (
            <label key={c.key}>{c.label}
              <select value={values[c.key]} data-testid={`widget-${c.key}`} onChange={(e) => { const v = e.currentTarget.value; setValues((all) => ({ ...all, [c.key]: v })); }}>
                {c.options.map(([v, label]) => <option key={v} value={v} selected={v === values[c.key]}>{label}</option>)}
              </select>
            </label>
          ))}
          <label>Size
            <select value={width} onChange={(e) => setWidth(Number(e.currentTarget.value))} data-testid="widget-width">
              <option value={6} selected={width === 6}>Half the row</option>
              <option value={12} selected={width === 12}>Whole row</option>
            </select>
          </label>
          {organizations.length > 1 && (
            <fieldset>
              <legend>Organizations</legend>
              {organizations.map((o) => (
                <label class="check" key={o.uid}>
                  <input type="checkbox" checked={orgs.includes(o.uid)} onChange={(e) => { const on = e.currentTarget.checked; setOrgs((all) => (on ? [...all, o.uid] : all.filter((u) => u !== o.uid))); }} />
                  {o.name}
                </label>
              ))}
            </fieldset>
          )}
          <p class="error" role="alert">{error}</p>
        </div>
        <footer>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>Cancel</button>
          <button type="submit" class="button primary" data-testid="widget-apply">Apply</button>
        </footer>
      </form>
    </dialog>
  );
}

function windowOf(period: string, interval: Interval, from: string, to: string): HistParameters {
  if (period === 'custom') return { from, to, period: interval };
  if (period === '') return { period: interval };
  return { time_range: period, period: interval };
}

import type { ComponentChildren } from 'preact';

import { explain } from '../api/http';
import { Button } from './button';
import { Icon, type IconName } from './icon';

/** Nothing here yet, and what to do about it. */
export function Empty({ icon, title, children, action, testid = 'empty' }: { icon: IconName; title: string; children?: ComponentChildren; action?: ComponentChildren; testid?: string }) {
  return (
    <div class="state" data-testid={testid}>
      <span class="state-icon"><Icon name={icon} size={28} /></span>
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action && <div class="state-action">{action}</div>}
    </div>
  );
}

/** Something could not be fetched. */
export function Failed({ error, retry, what }: { error: unknown; retry?: () => void; what?: string }) {
  const e = explain(error);
  return (
    <div class="state" role="alert" data-testid="error">
      <span class="state-icon danger"><Icon name="alert" size={28} /></span>
      <h2>{what ? `${what} can’t be shown` : e.title}</h2>
      <p>{e.text}</p>
      {retry && <div class="state-action"><Button icon="refresh" onClick={retry}>Try again</Button></div>}
    </div>
  );
}

/** Grey shapes in place of what is on its way. */
export function Skeleton({ rows = 6, shape = 'rows' }: { rows?: number; shape?: 'rows' | 'cards' | 'page' }) {
  return (
    <div class={`skeleton ${shape}`} role="status">
      <span class="hidden">Loading</span>
      {Array.from({ length: rows }, (_, i) => <div key={i} class="bone" />)}
    </div>
  );
}

export function Spinner({ label = 'Loading' }: { label?: string }) {
  return <div class="loading" role="status"><span class="spinner" aria-hidden="true" /><span>{label}</span></div>;
}

export function Progress({ value, label }: { value: number; label: string }) {
  return (
    <div class="progress" role="progressbar" aria-valuenow={value} aria-valuemin={0} aria-valuemax={100} aria-label={label}>
      <span style={{ width: `${Math.max(3, value)}%` }} />
    </div>
  );
}

export type Tone = 'neutral' | 'success' | 'warning' | 'danger' | 'accent';

export function Badge({ tone = 'neutral', children, testid }: { tone?: Tone; children: ComponentChildren; testid?: string }) {
  return <span class={`badge ${tone}`} data-testid={testid}>{children}</span>;
}

import type { ComponentChildren } from 'preact';

import type { Attributes } from '../api/connec';
import { ago, code, date, isDate, money, number } from '../lib/format';
import type { Reference } from '../lib/labels';
import { guess, type Attribute } from '../lib/schema';
import { Link } from '../lib/router';
import { Badge, type Tone } from './states';

const tones: Record<string, Tone> = {
  ACTIVE: 'success', PAID: 'success', ACCEPTED: 'success', DELIVERED: 'success', LIVE: 'success', COMPLETED: 'success', RECEIVED: 'success', SUCCESS: 'success',
  AUTHORISED: 'accent', SUBMITTED: 'accent', SHIPPED: 'accent', REVIEWED: 'accent',
  PENDING: 'warning', DRAFT: 'neutral', INACTIVE: 'neutral', ARCHIVED: 'neutral', CLOSED: 'neutral',
  VOIDED: 'danger', CANCELLED: 'danger', REJECTED: 'danger', REFUNDED: 'warning', ERROR: 'danger',
};

export type Names = (r: Reference) => string | null | undefined;

interface Props {
  value: unknown;
  attribute?: Attribute;
  /** Names of referenced records. */
  names?: Names;
  /** The record's own currency, for amounts that don't say theirs. */
  currency?: string;
}

/** Shows one value as people write it. */
export function Value({ value: v, attribute: a, names, currency }: Props): ComponentChildren {
  if (v === undefined || v === null || v === '' || (Array.isArray(v) && v.length === 0)) return <span class="none" aria-label="empty">–</span>;
  const kind = a && a.kind !== 'object' && a.kind !== 'list' ? a.kind : guess(v);
  switch (kind) {
    case 'amount': {
      if (typeof v === 'number') return money(v, currency);
      if (typeof v !== 'object') return String(v);
      const o = v as Attributes;
      const n = o.total_amount ?? o.net_amount;
      if (n === undefined) return <span class="none">–</span>;
      return money(Number(n), typeof o.currency === 'string' ? o.currency : currency);
    }
    case 'reference': {
      if (!a?.target || typeof v !== 'string') return <code>{String(v)}</code>;
      const name = names?.({ collection: a.target, id: v });
      const href = `/data/${a.target}/${encodeURIComponent(v)}`;
      if (name === undefined) return <span class="bone inline" aria-label="Loading" />;
      return <Link href={href} title={v}>{name ?? `${v.slice(0, 8)}…`}</Link>;
    }
    case 'boolean':
      return v === true ? 'Yes' : v === false ? 'No' : String(v);
    case 'number': {
      const n = Number(v);
      if (!Number.isFinite(n)) return String(v);
      return monetary(a?.path) ? money(n, currency) : number(n);
    }
    case 'date':
      if (!isDate(v)) return String(v);
      // Of what happened lately it matters how long ago.
      if (a && (a.path === 'updated_at' || a.path === 'created_at')) {
        return <time dateTime={v} title={date(v)}>{Date.now() - Date.parse(v) < 7 * 86_400_000 ? ago(v) : date(v.slice(0, 10))}</time>;
      }
      return <time dateTime={v}>{date(v)}</time>;
    case 'enum':
      return a?.path === 'status' || a?.path.endsWith('.status') ? <Badge tone={tones[String(v)] ?? 'neutral'}>{code(String(v))}</Badge> : code(String(v));
    case 'list': {
      const list = v as unknown[];
      if (list.every((x) => typeof x !== 'object')) return list.map(String).join(', ');
      return `${number(list.length)} ${list.length === 1 ? 'entry' : 'entries'}`;
    }
    case 'object':
      return compact(v as Attributes);
    default:
      return text(String(v), a?.path);
  }
}

/** Plain numbers that are amounts of money by their names. */
function monetary(path: string | undefined): boolean {
  return /(^|[._])(balance|deposit|amount|price|cost|salary|rate_hourly|total|debit|credit)$/.test(path ?? '') || /(^|\.)(annual_salary|hourly_rate|average_cost|current_value|annual_revenue|initial_balance|remaining_credit)$/.test(path ?? '');
}

function text(v: string, path = ''): ComponentChildren {
  if (/^https?:\/\/[^\s]+$/.test(v)) return <a href={v} target="_blank" rel="noopener noreferrer">{v.replace(/^https?:\/\//, '')}</a>;
  if (/email|address2?$/.test(path) && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(v)) return <a href={`mailto:${v}`}>{v}</a>;
  return v;
}

function compact(o: Attributes): string {
  return Object.values(o)
    .filter((x) => x !== null && x !== undefined && x !== '' && typeof x !== 'object')
    .map(String)
    .join(', ');
}

/** Whether values of an attribute line up at the right. */
export function numeric(a: Attribute | undefined): boolean {
  return a?.kind === 'number' || a?.kind === 'amount';
}

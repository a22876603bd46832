import { apiBase } from './config';

/** Parameters of a widget, as Impac's API and the hub's dashboards know them. */
export interface Metadata {
  organization_ids?: string[];
  currency?: string;
  hist_parameters?: HistParameters;
  width?: number;
  [key: string]: unknown;
}

/** The time window of a report. time_range is relative to today ("-6m"); without it and from, it is this year to date. */
export interface HistParameters {
  from?: string;
  to?: string;
  period?: Interval;
  time_range?: string;
  keep_today?: boolean;
}

export type Interval = 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'QUARTERLY' | 'YEARLY';

/** A kind of widget that can be put on a dashboard. */
export interface Template {
  endpoint: string;
  name: string;
  desc: string;
  icon: string;
  width: number;
  metadata: Metadata;
}

export interface WidgetData {
  name: string;
  content: Record<string, unknown>;
}

/** A request that Impac refused or that didn't reach it. status is 0 in the latter case. */
export class ImpacError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
    this.name = 'ImpacError';
  }
}

export interface Access {
  /** Overrides the configured API base. */
  base?: string | null;
  /** A user's session token, for pages of another origin; without it the browser's own cookie counts. */
  session?: string | null;
}

/** Lists the widgets that there are. */
export async function templates(access: Access = {}, signal?: AbortSignal): Promise<Template[]> {
  const body = await get<{ widgets?: Template[] }>('/widgets', [], access, signal);
  return body.widgets ?? [];
}

/** Computes one widget. */
export async function show(endpoint: string, metadata: Metadata, refresh: boolean, access: Access = {}, signal?: AbortSignal): Promise<WidgetData> {
  const params = encode('metadata', { ...metadata, utc_offset: -new Date().getTimezoneOffset() });
  if (refresh) params.push(['refresh_cache', 'true']);
  const path = endpoint.split('/').map(encodeURIComponent).join('/');
  const body = await get<WidgetData & Record<string, unknown>>(`/widgets/${path}`, params, access, signal);
  const content = body.content ?? body[endpoint];
  return { name: body.name ?? '', content: content && typeof content === 'object' ? (content as Record<string, unknown>) : {} };
}

async function get<T>(path: string, params: [string, string][], access: Access, signal?: AbortSignal): Promise<T> {
  const base = (access.base ?? apiBase()).replace(/\/+$/, '');
  const query = new URLSearchParams(params).toString();
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (access.session) headers.Authorization = `Basic ${btoa(access.session)}`;
  let response: Response;
  try {
    response = await fetch(base + path + (query ? `?${query}` : ''), { headers, credentials: 'same-origin', signal: signal ?? null });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new ImpacError(0, 'network', 'No connection to the server.');
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const error = (body as { error?: { code?: unknown; message?: string } } | null)?.error;
    throw new ImpacError(response.status, String(error?.code ?? response.status), error?.message ?? response.statusText);
  }
  return body as T;
}

/** Flattens nested parameters as Impac reads them: a[b][]=x. Empty lists and objects vanish. */
export function encode(name: string, value: unknown): [string, string][] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    return value.flatMap((v, i) => encode(v !== null && typeof v === 'object' ? `${name}[${i}]` : `${name}[]`, v));
  }
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([k, v]) => encode(`${name}[${k}]`, v));
  }
  return [[name, String(value)]];
}

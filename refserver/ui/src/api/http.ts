// One way to call the server: JSON in and out, errors of every subsystem in one shape.

export interface FieldError {
  path: string;
  reason: string;
}

/** A call that was refused or didn't get through. status is 0 when the server was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: FieldError[] = [],
    readonly requestId = '',
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** Leaves a 401 to the caller: it says nothing about the session. */
  quiet?: boolean;
}

const timeout = 60_000;

let unauthorized: () => void = () => {};

/** Registers what happens when an answer suggests that the session has ended. */
export function onUnauthorized(f: () => void): void {
  unauthorized = f;
}

export async function call<T>(path: string, c: Call = {}): Promise<T> {
  const query = Object.entries(c.query ?? {}).filter(([, v]) => v !== undefined && v !== '');
  const url = path + (query.length ? `?${query.map(([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(String(v))}`).join('&')}` : '');
  const headers: Record<string, string> = { Accept: 'application/json', ...c.headers };
  const init: RequestInit = { method: c.method ?? 'GET', headers, credentials: 'same-origin', cache: 'no-store' };
  if (c.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(c.body);
  }
  init.signal = c.signal ? AbortSignal.any([c.signal, AbortSignal.timeout(timeout)]) : AbortSignal.timeout(timeout);

  let response: Response;
  let body: unknown = null;
  try {
    response = await fetch(url, init);
    const text = await response.text();
    if (text) body = parse(text);
  } catch (e) {
    if (c.signal?.aborted) throw e;
    const late = e instanceof DOMException && e.name === 'TimeoutError';
    throw new ApiError(0, late ? 'timeout' : 'network', late ? 'The server took too long to answer.' : 'The server could not be reached.');
  }
  if (response.ok) return body as T;
  const error = errorOf(response, body);
  if (response.status === 401 && !c.quiet) unauthorized();
  throw error;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

interface AnyError {
  // problem details
  code?: string;
  title?: string;
  detail?: string;
  // connec, JSON:API, or the fields of a problem
  errors?: { path?: string; reason?: string; title?: string; detail?: string; code?: string; meta?: { code?: string; path?: string; reason?: string }; source?: { pointer?: string } }[];
  // impac
  error?: string | { code?: string | number; message?: string };
}

function errorOf(response: Response, body: unknown): ApiError {
  const b = (body && typeof body === 'object' ? body : {}) as AnyError;
  const first = Array.isArray(b.errors) ? b.errors[0] : undefined;
  const fields: FieldError[] = [];
  for (const e of Array.isArray(b.errors) ? b.errors : []) {
    const path = e.path ?? e.meta?.path ?? e.source?.pointer?.replace(/^\/data\/attributes\//, '').replaceAll('/', '.');
    const reason = e.reason ?? e.meta?.reason ?? e.detail;
    if (path !== undefined && reason) fields.push({ path, reason });
  }
  const nested = typeof b.error === 'object' ? b.error : undefined;
  const code = b.code ?? first?.meta?.code ?? first?.code ?? nested?.code ?? response.status;
  const message = b.detail ?? first?.detail ?? first?.title ?? nested?.message ?? (typeof b.error === 'string' ? b.error : undefined) ?? b.title ?? response.statusText;
  return new ApiError(response.status, String(code), message, fields, response.headers.get('X-Request-ID') ?? '');
}

export interface Explanation {
  title: string;
  text: string;
}

/** What a refusal because of the present state means, by code. The servers' own words name ids. */
const conflicts: Record<string, string> = {
  'hub.conflict': 'This is there already. Load the page again to see it.',
  'hub.last_owner': 'An organization needs a Super Admin. Give somebody else that role first.',
  'hub.not_running': 'The app is not running at the moment. Try again when it is.',
  'idm.conflict': 'This is there already. Load the page again to see it.',
  'idm.last_owner': 'An organization needs a Super Admin. Give somebody else that role first.',
  'nex.busy': 'Something else is being done to this app. Try again when it is finished.',
};

/** Says what went wrong to a person who doesn't know the system's insides. */
export function explain(e: unknown): Explanation {
  if (!(e instanceof ApiError)) return { title: 'Something went wrong', text: 'This page has met an unexpected problem. Load it again; if that doesn’t help, tell your administrator.' };
  switch (e.status) {
    case 0:
      return { title: 'No connection', text: `${e.message} Check your connection and try again.` };
    case 401:
      return { title: 'No access', text: 'You don’t have access to this.' };
    case 403:
      return { title: 'Not allowed', text: 'Your role in this organization doesn’t allow this. An administrator of the organization can do it or give you the right.' };
    case 404:
      return { title: 'Not found', text: 'This doesn’t exist, or no longer.' };
    case 409:
      return { title: 'Conflict', text: conflicts[e.code] ?? 'This doesn’t go together with what is there already. Load the page again to see how things stand.' };
    case 413:
      return { title: 'Too large', text: 'This is more than the server takes at once.' };
    case 400:
    case 422:
      return { title: 'Not accepted', text: e.fields.length ? e.fields.map((f) => sentence(`${f.path} ${f.reason}`.trim())).join(' ') : sentence(e.message) };
    case 429:
      return { title: 'Too many requests', text: 'Wait a moment and try again.' };
    case 501:
    case 502:
    case 503:
    case 504:
      return { title: 'Not available', text: 'This part of the platform doesn’t answer at the moment. Try again shortly.' };
    default:
      return { title: 'Server error', text: `The server had a problem with this.${e.requestId ? ` Tell your administrator the number ${e.requestId}.` : ''}` };
  }
}

function sentence(s: string): string {
  const t = s.trim();
  if (!t) return '';
  return t.charAt(0).toUpperCase() + t.slice(1) + (/[.!?]$/.test(t) ? '' : '.');
}

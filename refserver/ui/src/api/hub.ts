// The hub: who is signed in, the marketplace, and the apps of an organization.
import { call } from './http';

export type Role = 'Member' | 'Power User' | 'Admin' | 'Super Admin';

export interface Organization {
  id: number;
  uid: string;
  name: string;
  currency?: string;
  current_user_role?: Role | string;
  financial_year_end_month?: number;
  /** What the server lets the user do here. */
  acl?: { related?: Record<string, { create?: boolean; destroy?: boolean } | undefined> };
}

export interface User {
  id: number;
  uid: string;
  name: string;
  surname: string;
  email: string;
  organizations: Organization[];
}

export interface App {
  id: number;
  nid: string;
  name: string;
  logo: string;
  tiny_description: string;
  description: string;
  stack: string;
  categories: string[];
}

export type Status = 'provisioning' | 'starting' | 'running' | 'stopping' | 'stopped' | 'terminating' | 'terminated';

export interface AppInstance {
  id: number;
  uid: string;
  name: string;
  app_nid: string;
  stack: string;
  status: Status;
  /** 0–100 while something is being done. */
  progress: number;
  step: string;
  errors: string[];
  url: string;
  logo: string;
  /** Whether there is something to open. */
  sso_enabled: boolean;
  created_at?: string;
  started_at?: string;
}

const jpi = '/mnoe/jpi/v1';

interface RawUser extends Partial<User> {
  logged_in?: boolean;
}

function userOf(body: { current_user?: RawUser | null } | null): User | null {
  const u = body?.current_user;
  if (!u || u.logged_in === false || (!u.uid && !u.id)) return null;
  return { id: u.id ?? 0, uid: u.uid ?? '', name: u.name ?? '', surname: u.surname ?? '', email: u.email ?? '', organizations: u.organizations ?? [] };
}

/** The signed-in user, or null. */
export async function currentUser(signal?: AbortSignal): Promise<User | null> {
  try {
    return userOf(await call(`${jpi}/current_user`, { quiet: true, signal }));
  } catch (e) {
    if ((e as { status?: number }).status === 401) return null;
    throw e;
  }
}

export async function signIn(email: string, password: string): Promise<User | null> {
  const user = userOf(await call('/mnoe/auth/users/sign_in', { method: 'POST', body: { user: { email, password } }, quiet: true }));
  return user ?? currentUser();
}

export function signOut(): Promise<void> {
  return call('/mnoe/auth/users/sign_out', { method: 'DELETE', quiet: true });
}

export async function marketplace(organization: string, signal?: AbortSignal): Promise<App[]> {
  const body = await call<{ apps?: Partial<App>[] }>(`${jpi}/marketplace`, { query: { organization_id: organization }, signal });
  return (body.apps ?? []).map(appOf);
}

function appOf(a: Partial<App>): App {
  return {
    id: a.id ?? 0,
    nid: a.nid ?? '',
    name: a.name || a.nid || '',
    logo: a.logo ?? '',
    tiny_description: a.tiny_description ?? '',
    description: a.description ?? '',
    stack: a.stack ?? '',
    categories: (a.categories ?? []).map((c: unknown) => (typeof c === 'string' ? c : String((c as { name?: string }).name ?? ''))).filter(Boolean),
  };
}

function instanceOf(i: Partial<AppInstance>): AppInstance {
  return {
    id: i.id ?? 0,
    uid: i.uid ?? '',
    name: i.name || i.app_nid || '',
    app_nid: i.app_nid ?? '',
    stack: i.stack ?? '',
    status: i.status ?? 'provisioning',
    progress: Math.min(100, Math.max(0, Number(i.progress) || 0)),
    step: i.step ?? '',
    errors: (i.errors ?? []).map((e: unknown) => (typeof e === 'string' ? e : String((e as { message?: string }).message ?? e))),
    url: i.url ?? '',
    logo: i.logo ?? '',
    sso_enabled: i.sso_enabled ?? i.stack !== 'connector',
    created_at: i.created_at,
    started_at: i.started_at,
  };
}

export async function appInstances(organization: string, signal?: AbortSignal): Promise<AppInstance[]> {
  const body = await call<{ app_instances?: Partial<AppInstance>[] | Record<string, Partial<AppInstance>> }>(
    `${jpi}/organizations/${encodeURIComponent(organization)}/app_instances`,
    { signal },
  );
  const list = Array.isArray(body.app_instances) ? body.app_instances : Object.values(body.app_instances ?? {});
  return list.map(instanceOf).filter((i) => i.status !== 'terminated');
}

export async function addApp(organization: string, nid: string): Promise<AppInstance> {
  const body = await call<{ app_instance: Partial<AppInstance> }>(`${jpi}/organizations/${encodeURIComponent(organization)}/app_instances`, { method: 'POST', body: { nid } });
  return instanceOf(body.app_instance ?? {});
}

export async function removeApp(instance: AppInstance): Promise<void> {
  await call(`${jpi}/app_instances/${encodeURIComponent(instance.uid)}`, { method: 'DELETE' });
}

/** Where to send the browser to enter an app, signed in. */
export function launchURL(instance: AppInstance): string {
  return `/mnoe/launch/${encodeURIComponent(instance.uid)}`;
}

/** Whether the instance has pages of its own that can be opened now. */
export function canOpen(i: AppInstance): boolean {
  return i.sso_enabled && i.status === 'running';
}

/** Whether something is being done to the instance. */
export function moving(i: AppInstance): boolean {
  return i.status === 'provisioning' || i.status === 'starting' || i.status === 'stopping' || i.status === 'terminating';
}

/** Whether the user may add and remove apps. The server decides; this only spares people a refusal. */
export function mayManageApps(o: Organization | null): boolean {
  const create = o?.acl?.related?.app_instances?.create;
  if (create !== undefined) return create;
  return !o?.current_user_role || o.current_user_role === 'Admin' || o.current_user_role === 'Super Admin';
}

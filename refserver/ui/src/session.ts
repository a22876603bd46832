import { currentUser, signOut as hubSignOut, type Organization, type User } from './api/hub';
import { onUnauthorized } from './api/http';
import { forget } from './lib/query';
import { createStore, memory } from './lib/store';
import { currentPlace, navigate } from './lib/router';

export type Session =
  | { state: 'unknown'; error: unknown }
  | { state: 'out'; expired: boolean }
  | { state: 'in'; user: User; organization: Organization | null };

export const session = createStore<Session>({ state: 'unknown', error: null });

/** Asks the server who is signed in. */
export async function load(): Promise<void> {
  session.set({ state: 'unknown', error: null });
  try {
    const user = await currentUser();
    if (user) enter(user);
    else session.set({ state: 'out', expired: false });
  } catch (error) {
    session.set({ state: 'unknown', error });
  }
}

/** Takes up a user's session. */
export function enter(user: User): void {
  const wanted = new URLSearchParams(location.search).get('org') ?? memory.get('organization');
  const organization = user.organizations.find((o) => o.uid === wanted) ?? user.organizations[0] ?? null;
  session.set({ state: 'in', user, organization });
}

export function chooseOrganization(o: Organization): void {
  const s = session.get();
  if (s.state !== 'in') return;
  memory.set('organization', o.uid);
  session.set({ ...s, organization: o });
}

export async function signOut(): Promise<void> {
  await hubSignOut();
  forget();
  session.set({ state: 'out', expired: false });
  navigate('/login');
}

let checking = false;
let checked = Date.now();

/**
 * Asks whether the session is still there, and goes to the sign-in page if it isn't. An answer of 401 alone doesn't say so: it may
 * also mean that a record belongs to somebody else.
 */
export function checkSession(): void {
  const before = session.get();
  if (checking || before.state !== 'in') return;
  checking = true;
  currentUser()
    .then((user) => {
      checked = Date.now();
      if (session.get().state !== 'in') return;
      // Somebody else has signed in, in another window of this browser.
      if (user && user.uid !== before.user.uid) return location.reload();
      if (user) return;
      forget();
      session.set({ state: 'out', expired: true });
      const { path, search } = currentPlace();
      navigate(`/login?return_to=${encodeURIComponent(path + search)}`);
    })
    .catch(() => {
      // Without an answer nothing is known of the session; the page shows its own error.
    })
    .finally(() => {
      checking = false;
    });
}

onUnauthorized(checkSession);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && Date.now() - checked > 60_000) checkSession();
});

import type { ComponentChildren } from 'preact';
import { Component } from 'preact';
import { useEffect } from 'preact/hooks';

import type { Organization, User } from './api/hub';
import { match, navigate, usePlace } from './lib/router';
import { useStore } from './lib/store';
import { Apps } from './pages/apps';
import { CollectionPage } from './pages/collection';
import { DataPage } from './pages/data';
import { Broken, NoOrganization, NotFound, Unreachable } from './pages/errors';
import { Home } from './pages/home';
import { Login } from './pages/login';
import { Marketplace } from './pages/marketplace';
import { Product } from './pages/product';
import { RecordPage } from './pages/record';
import { load, session } from './session';
import { Shell } from './shell/shell';
import { Announcer, Toasts } from './ui/toast';
import { Spinner } from './ui/states';

/** What every page inside the shell knows. */
export interface Here {
  user: User;
  organization: Organization;
}

type Route = [pattern: string, page: (here: Here, params: Record<string, string>) => ComponentChildren];

const routes: Route[] = [
  ['/', (h) => <Home key={h.organization.uid} {...h} />],
  ['/apps', (h) => <Apps key={h.organization.uid} {...h} />],
  ['/marketplace', (h) => <Marketplace key={h.organization.uid} {...h} />],
  ['/marketplace/:nid', (h, p) => <Product key={`${h.organization.uid} ${p.nid}`} {...h} nid={p.nid ?? ''} />],
  ['/data', (h) => <DataPage key={h.organization.uid} {...h} />],
  ['/data/:collection', (h, p) => <CollectionPage key={`${h.organization.uid} ${p.collection}`} {...h} collection={p.collection ?? ''} />],
  ['/data/:collection/:id', (h, p) => <RecordPage key={`${h.organization.uid} ${p.collection} ${p.id}`} {...h} collection={p.collection ?? ''} id={p.id ?? ''} />],
];

export function App() {
  return (
    <>
      <Catch><Pages /></Catch>
      <Toasts />
      <Announcer />
    </>
  );
}

function Pages() {
  const s = useStore(session);
  const { path, search } = usePlace();
  const away = s.state === 'out' && path !== '/login';
  useEffect(() => {
    if (away) navigate(path === '/' && !search ? '/login' : `/login?return_to=${encodeURIComponent(path + search)}`, { replace: true });
  }, [away, path, search]);

  if (s.state === 'unknown') return s.error ? <Unreachable error={s.error} retry={() => void load()} /> : <div class="boot"><Spinner /></div>;
  if (path === '/login') return <Login />;
  if (s.state === 'out') return null;
  const { user, organization } = s;
  if (!organization) return <Shell user={user} organization={null}><NoOrganization /></Shell>;
  const here = { user, organization };
  for (const [pattern, page] of routes) {
    const params = match(pattern, path);
    if (params) return <Shell {...here}><Catch key={path}>{page(here, params)}</Catch></Shell>;
  }
  return <Shell {...here}><NotFound /></Shell>;
}

/** Shows an apology in place of a page that failed, so that the rest stays usable. */
class Catch extends Component<{ children?: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };

  static override getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(e: unknown): void {
    console.error(e);
  }

  override render(): ComponentChildren {
    return this.state.failed ? <Broken /> : this.props.children;
  }
}

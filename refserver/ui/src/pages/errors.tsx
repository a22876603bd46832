import { useEffect } from 'preact/hooks';

import { Link } from '../lib/router';
import { productName } from '../product';
import { signOut } from '../session';
import { Button } from '../ui/button';
import { Mark } from '../ui/icon';
import { Page } from '../ui/page';
import { Empty, Failed } from '../ui/states';

export function NotFound() {
  return (
    <Page title="Page not found" testid="page-not-found">
      <Empty icon="search" title="There is no page at this address" action={<Link class="button primary" href="/">Go to Home</Link>}>
        The address may be mistyped, or what it pointed to has been removed.
      </Empty>
    </Page>
  );
}

export function NoOrganization() {
  return (
    <Page title="Welcome" testid="page-no-organization">
      <Empty icon="building" title="You don’t belong to an organization yet" action={<Button icon="out" onClick={() => void signOut()}>Sign out</Button>}>
        Ask an administrator of your organization to invite you. As soon as you are a member, its apps and data appear here.
      </Empty>
    </Page>
  );
}

export function Broken() {
  return (
    <div class="page" data-testid="page-broken">
      <Empty icon="alert" title="This page stopped working" testid="error" action={<Button look="primary" icon="refresh" onClick={() => location.reload()}>Load it again</Button>}>
        Nothing that you saved is lost. If it happens again, tell your administrator what you were doing.
      </Empty>
    </div>
  );
}

export function Unreachable({ error, retry }: { error: unknown; retry: () => void }) {
  useEffect(() => {
    document.title = productName;
  }, []);
  return (
    <main class="boot" data-testid="page-unreachable">
      <div>
        <Mark size={44} />
        <Failed error={error} retry={retry} what={productName} />
      </div>
    </main>
  );
}

import { useState } from 'preact/hooks';

import { ApiError } from '../api/http';
import * as hub from '../api/hub';
import type { Here } from '../app';
import { forget, useQuery } from '../lib/query';
import { Link, navigate } from '../lib/router';
import { Button } from '../ui/button';
import { Confirm, Notice } from '../ui/dialog';
import { Logo } from '../ui/logo';
import { Page } from '../ui/page';
import { Empty, Failed, Skeleton } from '../ui/states';
import { toast } from '../ui/toast';
import { InstanceStatus, OpenApp } from './apps';
import { kindOf } from './marketplace';

const crumbs = [{ href: '/marketplace', label: 'Marketplace' }];

/** One app of the marketplace. */
export function Product({ organization, nid }: Here & { nid: string }) {
  const apps = useQuery(`marketplace ${organization.uid}`, (signal) => hub.marketplace(organization.uid, signal));
  const instances = useQuery(`instances ${organization.uid}`, (signal) => hub.appInstances(organization.uid, signal), {
    poll: (data) => (data?.some((i) => i.app_nid === nid && hub.moving(i)) ? 1_000 : 30_000),
  });
  const [asking, setAsking] = useState(false);
  const app = apps.data?.find((a) => a.nid === nid);
  const mine = (instances.data ?? []).filter((i) => i.app_nid === nid);

  if (!app) {
    return (
      <Page title="App" crumbs={crumbs} testid="page-product">
        {apps.loading && <Skeleton shape="page" rows={4} />}
        {apps.error !== null && !apps.data && <Failed error={apps.error} retry={apps.reload} what="This app" />}
        {apps.data && (
          <Empty icon="store" title="This app is not on offer" action={<Link class="button primary" href="/marketplace">Go to the marketplace</Link>}>
            It may have been withdrawn. Apps that you already use stay in My apps.
          </Empty>
        )}
      </Page>
    );
  }

  const may = hub.mayManageApps(organization);
  const open = mine.find(hub.canOpen);
  // An organization has an app once. Until it is known whether it has this one, nothing is offered.
  const actions = open ? <OpenApp instance={open} /> : may && instances.data && mine.length === 0 ? <Button look="primary" icon="plus" data-testid="add-app" onClick={() => setAsking(true)}>Add app</Button> : null;
  return (
    <Page
      title={app.name}
      crumbs={crumbs}
      testid="page-product"
      intro={app.tiny_description}
      before={<Logo name={app.name} src={app.logo} size={72} />}
      actions={actions}
    >
      <div class="product">
        <div class="product-main">
          {!may && instances.data && mine.length === 0 && <Notice>Your role, {organization.current_user_role}, can look at apps. Ask an administrator of {organization.name} to add this one.</Notice>}
          {mine.length > 0 && (
            <section class="card panel" aria-label="Already added">
              {mine.map((i) => (
                <div key={i.uid} class="row-between">
                  <p class="product-have"><b>{organization.name} has this app.</b><InstanceStatus instance={i} /></p>
                  <Link class="button" href="/apps">Go to My apps</Link>
                </div>
              ))}
            </section>
          )}
          <section class="card panel">
            <h2>About {app.name}</h2>
            {(app.description || app.tiny_description || 'There is no description.').split(/\n{2,}/).map((p, i) => <p key={i} class="prose">{p}</p>)}
          </section>
        </div>
        <aside class="card panel facts" aria-label="Facts">
          <dl>
            <div><dt>Kind</dt><dd>{kindOf(app.stack)}</dd></div>
            {app.categories.length > 0 && <div><dt>Categories</dt><dd class="tags">{app.categories.map((c) => <span key={c} class="tag">{c}</span>)}</dd></div>}
            <div><dt>Sign-in</dt><dd>{app.stack === 'connector' ? 'None: it only moves data' : 'With your account here'}</dd></div>
            <div><dt>Data</dt><dd>Shared with your other apps</dd></div>
          </dl>
        </aside>
      </div>
      {asking && (
        <Confirm
          title={`Add ${app.name}?`}
          action="Add app"
          testid="add-confirm"
          onClose={() => setAsking(false)}
          run={async () => {
            try {
              await hub.addApp(organization.uid, app.nid);
            } catch (e) {
              if (!(e instanceof ApiError && e.status === 409)) throw e;
              // Somebody else was faster.
              instances.reload();
              toast(`${organization.name} has ${app.name} already.`);
              return;
            }
            forget('instances');
            toast(`${app.name} is being set up.`);
            navigate('/apps');
          }}
        >
          <p>{app.name} is added to <b>{organization.name}</b>. Members who may use it find it in My apps.</p>
          <p>It gets access to the organization’s shared data. You can remove it at any time.</p>
        </Confirm>
      )}
    </Page>
  );
}

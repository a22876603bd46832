import { useEffect, useRef, useState } from 'preact/hooks';

import * as hub from '../api/hub';
import type { Here } from '../app';
import { date } from '../lib/format';
import { useQuery } from '../lib/query';
import { Link } from '../lib/router';
import { IconButton } from '../ui/button';
import { Confirm, Notice } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { Logo } from '../ui/logo';
import { Page } from '../ui/page';
import { Badge, Empty, Failed, Progress, Skeleton, type Tone } from '../ui/states';
import { announce, toast } from '../ui/toast';
import { kindOf } from './marketplace';

const statuses: Record<hub.Status, [label: string, tone: Tone]> = {
  provisioning: ['Setting up', 'accent'],
  starting: ['Starting', 'accent'],
  running: ['Running', 'success'],
  stopping: ['Stopping', 'warning'],
  stopped: ['Stopped', 'neutral'],
  terminating: ['Removing', 'warning'],
  terminated: ['Removed', 'neutral'],
};

export function InstanceStatus({ instance }: { instance: hub.AppInstance }) {
  const [label, tone] = statuses[instance.status] ?? [instance.status, 'neutral'];
  const trouble = hub.moving(instance) && instance.errors.length > 0;
  return <Badge tone={trouble ? 'danger' : tone} testid={`status-${instance.status}`}>{trouble ? `${label}: trouble` : label}</Badge>;
}

/** A link into an app. */
export function OpenApp({ instance: i }: { instance: hub.AppInstance }) {
  return (
    <a class="button primary" href={hub.launchURL(i)} target="_blank" rel="noopener" data-testid="open-app">
      <Icon name="open" size={18} />Open<span class="hidden"> {i.name} in a new tab</span>
    </a>
  );
}

export function Apps({ organization }: Here) {
  const apps = useQuery(`instances ${organization.uid}`, (signal) => hub.appInstances(organization.uid, signal), {
    poll: (data) => (data?.some(hub.moving) ? 1_000 : 30_000),
  });
  const [removing, setRemoving] = useState<hub.AppInstance | null>(null);
  const may = hub.mayManageApps(organization);
  useNews(apps.data);

  return (
    <Page
      title="My apps"
      testid="page-apps"
      intro={`What ${organization.name} works with.`}
      actions={
        <Link class={may ? 'button primary' : 'button'} href="/marketplace" data-testid="go-marketplace">
          <Icon name={may ? 'plus' : 'store'} size={18} />{may ? 'Add an app' : 'Marketplace'}
        </Link>
      }
    >
      {apps.loading && <Skeleton shape="cards" rows={3} />}
      {apps.error !== null && !apps.data && <Failed error={apps.error} retry={apps.reload} what="Your apps" />}
      {apps.error !== null && apps.data && <Notice kind="warning">The list may be out of date: the server doesn’t answer. Trying again.</Notice>}
      {apps.data && apps.data.length === 0 && (
        <Empty icon="apps" title="No apps yet" action={<Link class="button primary" href="/marketplace">Look at the marketplace</Link>}>
          {may
            ? 'Add apps, and they sign you in and share their data by themselves.'
            : `As soon as an administrator of ${organization.name} adds apps, you find them here.`}
        </Empty>
      )}
      {apps.data && apps.data.length > 0 && (
        <ul class="instances" data-testid="apps-list">
          {apps.data.map((i) => (
            <Instance key={i.uid} instance={i} onRemove={may ? () => setRemoving(i) : undefined} />
          ))}
        </ul>
      )}
      {removing && (
        <Confirm
          title={`Remove ${removing.name}?`}
          action="Remove app"
          danger
          testid="remove-confirm"
          onClose={() => setRemoving(null)}
          run={async () => {
            await hub.removeApp(removing);
            toast(`${removing.name} is being removed.`);
            apps.put((all) => (all ?? []).map((i) => (i.uid === removing.uid ? { ...i, status: 'terminating', progress: 0, step: '', errors: [] } : i)));
            apps.reload();
          }}
        >
          <p><b>{organization.name}</b> loses access to {removing.name} at once{removing.stack === 'cube' ? ', and what the app itself has stored is deleted' : ''}.</p>
          <p>Data that it shared with your other apps stays.</p>
        </Confirm>
      )}
    </Page>
  );
}

function Instance({ instance: i, onRemove }: { instance: hub.AppInstance; onRemove?: () => void }) {
  const busy = hub.moving(i);
  const step = i.step || { provisioning: 'Waiting to be set up', starting: 'Starting the app', stopping: 'Stopping the app', terminating: 'Taking the app away' }[i.status as string] || '';
  return (
    <li class="card instance" data-testid={`instance-${i.app_nid}`} data-status={i.status} data-uid={i.uid}>
      <Logo name={i.name} src={i.logo} size={56} />
      <div class="instance-main">
        <div class="instance-title">
          <h2>{i.name}</h2>
          <InstanceStatus instance={i} />
        </div>
        {busy ? (
          <div class="instance-progress">
            <Progress value={i.progress} label={`${i.name}: ${step}`} />
            <p class="muted"><span data-testid="instance-step">{step}</span><span class="figures">{i.progress} %</span></p>
          </div>
        ) : (
          <p class="muted">{kindOf(i.stack)}{i.started_at ? ` · since ${date(i.started_at.slice(0, 10))}` : ''}</p>
        )}
        {i.errors.length > 0 && (
          <Notice kind={busy ? 'warning' : 'danger'} testid="instance-errors">
            {i.errors.map((e) => <p key={e}>{e}</p>)}
            {busy && <p>It is tried again by itself.</p>}
          </Notice>
        )}
      </div>
      <div class="instance-actions">
        {hub.canOpen(i) && <OpenApp instance={i} />}
        {onRemove && i.status !== 'terminating' && <IconButton icon="trash" label={`Remove ${i.name}`} data-testid="remove-app" onClick={onRemove} />}
      </div>
    </li>
  );
}

/** Tells of apps that have come up or gone while the page was open. */
function useNews(instances: hub.AppInstance[] | undefined): void {
  const before = useRef<Map<string, hub.AppInstance> | null>(null);
  useEffect(() => {
    if (!instances) return;
    const now = new Map(instances.map((i) => [i.uid, i]));
    if (before.current) {
      for (const [uid, old] of before.current) {
        const i = now.get(uid);
        if (!i && old.status === 'terminating') toast(`${old.name} was removed.`);
        else if (i && i.status === 'running' && hub.moving(old)) toast(`${i.name} is ready.`);
        else if (i && i.step !== old.step && i.step) announce(`${i.name}: ${i.step}`);
      }
    }
    before.current = now;
  }, [instances]);
}

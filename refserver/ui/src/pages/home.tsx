import { useEffect, useRef, useState } from 'preact/hooks';

import * as impac from '../api/impac';
import { explain } from '../api/http';
import type { Here } from '../app';
import { useQuery } from '../lib/query';
import { Button } from '../ui/button';
import { Confirm } from '../ui/dialog';
import { Page } from '../ui/page';
import { Empty, Failed, Skeleton } from '../ui/states';
import { toast } from '../ui/toast';
import { checkSession } from '../session';
import { Catalogue } from './catalogue';

/** The module that defines <impac-widget>; it is served beside the console and loaded when a dashboard is first shown. */
const componentsURL = '/assets/impac/impac.js';
let components: Promise<unknown> | undefined;

function loadComponents(): Promise<unknown> {
  components ??= import(/* served, not bundled */ componentsURL).catch((e: unknown) => {
    components = undefined;
    throw e;
  });
  return components;
}

async function open(here: Here, signal: AbortSignal): Promise<impac.Dashboard> {
  await loadComponents();
  const all = await impac.dashboards(here.organization, signal);
  return all[0] ?? creating(here);
}

// One creation at a time for an organization, however often the page is opened meanwhile.
const underway = new Map<string, Promise<impac.Dashboard>>();

function creating({ organization }: Here): Promise<impac.Dashboard> {
  const running = underway.get(organization.uid);
  if (running) return running;
  const p = impac.createDefault(organization).finally(() => underway.delete(organization.uid));
  underway.set(organization.uid, p);
  return p;
}

export function Home(here: Here) {
  const { user, organization } = here;
  const dashboard = useQuery(`dashboard ${organization.uid}`, (signal) => open(here, signal));
  const templates = useQuery('templates', impac.templates);
  const [removing, setRemoving] = useState<impac.Widget | null>(null);
  const [choosing, setChoosing] = useState(false);
  const [added, setAdded] = useState(0);
  const d = dashboard.data;

  const change = (f: (widgets: impac.Widget[]) => impac.Widget[]): void => {
    if (d) dashboard.put({ ...d, widgets: f(d.widgets) });
  };
  const failed = (e: unknown): void => toast(explain(e).text, 'danger');

  const save = (w: impac.Widget, metadata: impac.Metadata, name: string): void => {
    const width = Number(metadata.width) || w.width;
    const next = { ...w, name, width, metadata: { ...w.metadata, ...metadata } };
    change((all) => all.map((x) => (x.id === w.id ? next : x)));
    impac.updateWidget(w.id, { name, width, metadata }).catch((e: unknown) => {
      failed(e);
      dashboard.reload();
    });
  };

  const move = (w: impac.Widget, by: number): void => {
    if (!d) return;
    const from = d.widgets.findIndex((x) => x.id === w.id);
    const to = Math.min(d.widgets.length - 1, Math.max(0, from + by));
    if (from === to) return;
    const widgets = [...d.widgets];
    widgets.splice(to, 0, ...widgets.splice(from, 1));
    dashboard.put({ ...d, widgets });
    impac.reorder(d.id, widgets.map((x) => x.id)).catch((e: unknown) => {
      failed(e);
      dashboard.reload();
    });
  };

  const add = async (t: impac.Template): Promise<void> => {
    if (!d) return;
    const metadata = { ...t.metadata, organization_ids: [organization.uid], currency: organization.currency || d.currency };
    try {
      const w = await impac.addWidget(d.id, { endpoint: t.endpoint, name: t.name, width: t.width || 6, metadata });
      change((all) => [...all, w]);
      setAdded(w.id);
      toast(`${t.name} was added.`);
    } catch (e) {
      failed(e);
    }
  };

  const choices = templates.data ?? [];
  return (
    <Page
      title={greeting(user.name)}
      documentTitle="Home"
      testid="page-home"
      intro={`How ${organization.name} is doing.`}
      actions={
        d && choices.length > 0 ? <Button icon="plus" data-testid="add-widget" onClick={() => setChoosing(true)}>Add widget</Button> : null
      }
    >
      {dashboard.loading && <Skeleton shape="cards" rows={3} />}
      {dashboard.error !== null && !d && <Failed error={dashboard.error} retry={dashboard.reload} what="Your dashboard" />}
      {d && d.widgets.length === 0 && (
        <Empty icon="target" title="This dashboard is empty">Add a widget to see figures of your organization here.</Empty>
      )}
      {d && d.widgets.length > 0 && (
        <div class="dashboard" data-testid="dashboard">
          {d.widgets.map((w) => (
            <WidgetSlot
              key={w.id}
              widget={w}
              isNew={w.id === added}
              organizations={user.organizations.map((o) => ({ uid: o.uid, name: o.name }))}
              onChange={(metadata, name) => save(w, metadata, name)}
              onMove={(by) => move(w, by)}
              onRemove={() => setRemoving(w)}
            />
          ))}
        </div>
      )}
      {choosing && d && <Catalogue templates={choices} widgets={d.widgets} onAdd={add} onClose={() => setChoosing(false)} />}
      {removing && d && (
        <Confirm
          title={`Remove “${removing.name}”?`}
          action="Remove"
          danger
          onClose={() => setRemoving(null)}
          run={async () => {
            await impac.removeWidget(removing.id);
            change((all) => all.filter((x) => x.id !== removing.id));
            toast(`${removing.name} was removed.`);
          }}
        >
          <p>The widget leaves your dashboard. The data behind it stays.</p>
        </Confirm>
      )}
    </Page>
  );
}

interface SlotProps {
  widget: impac.Widget;
  /** It was added just now: it comes into sight. */
  isNew: boolean;
  organizations: { uid: string; name: string }[];
  onChange(metadata: impac.Metadata, name: string): void;
  onMove(by: number): void;
  onRemove(): void;
}

interface WidgetElement extends HTMLElement {
  metadata: impac.Metadata;
  organizationChoices: { uid: string; name: string }[];
}

function WidgetSlot({ widget, isNew, organizations, onChange, onMove, onRemove }: SlotProps) {
  const slot = useRef<HTMLDivElement>(null);
  const element = useRef<WidgetElement | null>(null);
  const handlers = useRef({ onChange, onMove, onRemove });
  handlers.current = { onChange, onMove, onRemove };

  useEffect(() => {
    const el = document.createElement('impac-widget') as WidgetElement;
    for (const flag of ['editable', 'movable', 'removable']) el.setAttribute(flag, '');
    el.addEventListener('impac-change', (e) => {
      e.preventDefault();
      const { metadata, name } = (e as CustomEvent<{ metadata: impac.Metadata; name: string }>).detail;
      handlers.current.onChange(metadata, name);
    });
    el.addEventListener('impac-move', (e) => handlers.current.onMove((e as CustomEvent<{ by: number }>).detail.by));
    el.addEventListener('impac-error', (e) => {
      if ((e as CustomEvent<{ status: number }>).detail.status === 401) checkSession();
    });
    el.addEventListener('impac-remove', () => handlers.current.onRemove());
    element.current = el;
    slot.current?.append(el);
    if (isNew) slot.current?.scrollIntoView({ block: 'nearest', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
    return () => el.remove();
  }, []);

  useEffect(() => {
    const el = element.current;
    if (!el) return;
    el.setAttribute('endpoint', widget.endpoint);
    el.setAttribute('label', widget.name);
    el.dataset.testid = `widget-${widget.endpoint}`;
    el.metadata = widget.metadata;
    el.organizationChoices = organizations;
  }, [widget, JSON.stringify(organizations)]);

  return <div ref={slot} class={`slot ${widget.width >= 12 ? 'w12' : widget.width <= 3 ? 'w3' : 'w6'}`} />;
}

function greeting(name: string): string {
  const hour = new Date().getHours();
  const part = hour < 12 ? 'Good morning' : hour < 18 ? 'Good afternoon' : 'Good evening';
  return name ? `${part}, ${name}` : part;
}

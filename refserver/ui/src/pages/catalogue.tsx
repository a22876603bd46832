import { useState } from 'preact/hooks';

import type { Template, Widget } from '../api/impac';
import { groupsOf, sameAs } from '../lib/catalogue';
import { Dialog } from '../ui/dialog';
import { Icon, type IconName } from '../ui/icon';
import { Badge } from '../ui/states';

const icons: Record<string, IconName> = { Sales: 'invoice', Customers: 'people', Suppliers: 'box', Staff: 'card' };

interface Props {
  templates: Template[];
  widgets: Widget[];
  onAdd(t: Template): Promise<void>;
  onClose(): void;
}

/** The widgets that there are, to choose one from. */
export function Catalogue({ templates, widgets, onAdd, onClose }: Props) {
  const [busy, setBusy] = useState<Template | null>(null);
  const add = (t: Template): void => {
    if (busy) return;
    setBusy(t);
    onAdd(t).finally(onClose);
  };
  return (
    <Dialog title="Add a widget" wide onClose={() => busy || onClose()} testid="catalogue">
      {groupsOf(templates).map((g) => (
        <section key={g.title} class="catalogue-group" aria-labelledby={`catalogue-${g.title}`}>
          <h3 id={`catalogue-${g.title}`}><Icon name={icons[g.title] ?? 'target'} size={18} />{g.title}</h3>
          <ul>
            {g.templates.map((t) => (
              <li key={t.name}>
                <button type="button" class="catalogue-entry" data-testid={`template-${t.endpoint}`} aria-disabled={busy !== null || undefined} aria-busy={busy === t || undefined} onClick={() => add(t)}>
                  <span class="catalogue-name"><b>{t.name}</b>{widgets.some((w) => sameAs(t, w)) && <Badge>On your dashboard</Badge>}</span>
                  <span class="muted">{t.desc}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Dialog>
  );
}

import { useEffect } from 'preact/hooks';

import { createStore, useStore } from '../lib/store';
import { IconButton } from './button';
import { Icon } from './icon';

interface Toast {
  id: number;
  text: string;
  kind: 'success' | 'danger';
}

const toasts = createStore<Toast[]>([]);
let next = 1;

/** Tells the reader in passing that something was done or went wrong. */
export function toast(text: string, kind: Toast['kind'] = 'success'): void {
  toasts.set((all) => [...all.slice(-2), { id: next++, text, kind }]);
}

const dismiss = (id: number): void => toasts.set((all) => all.filter((t) => t.id !== id));

export function Toasts() {
  const all = useStore(toasts);
  return (
    <div class="toasts" role="region" aria-label="Notifications">
      <div aria-live="polite">
        {all.map((t) => <One key={t.id} toast={t} />)}
      </div>
    </div>
  );
}

function One({ toast: t }: { toast: Toast }) {
  useEffect(() => {
    const timer = setTimeout(() => dismiss(t.id), t.kind === 'danger' ? 12_000 : 6_000);
    return () => clearTimeout(timer);
  }, [t]);
  return (
    <div class={`toast ${t.kind}`} data-testid="toast">
      <Icon name={t.kind === 'success' ? 'check' : 'alert'} size={18} />
      <span>{t.text}</span>
      <IconButton icon="close" label="Dismiss" onClick={() => dismiss(t.id)} />
    </div>
  );
}

const said = createStore('');

/** Says something to screen readers only. */
export function announce(text: string): void {
  said.set('');
  requestAnimationFrame(() => said.set(text));
}

export function Announcer() {
  return <div class="hidden" aria-live="polite" aria-atomic="true">{useStore(said)}</div>;
}

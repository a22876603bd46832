import { useEffect, useRef, useState } from 'preact/hooks';

import { Icon } from './icons';

export interface MenuItem {
  label: string;
  testid?: string;
  danger?: boolean;
  run(): void;
}

/** A button that opens a menu; arrows move in it, Escape and a click elsewhere close it. */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const entries = (): HTMLElement[] => [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];

  useEffect(() => {
    if (!open) return;
    entries()[0]?.focus();
    const outside = (e: Event): void => {
      if (root.current && !e.composedPath().includes(root.current)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);

  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  const keys = (e: KeyboardEvent): void => {
    const all = entries();
    const at = all.indexOf(e.target as HTMLElement);
    const to = { ArrowDown: (at + 1) % all.length, ArrowUp: (at - 1 + all.length) % all.length, Home: 0, End: all.length - 1 }[e.key];
    if (to !== undefined) all[to]?.focus();
    else if (e.key === 'Escape') close();
    else if (e.key === 'Tab') return setOpen(false);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };

  return (
    <div class="menu" ref={root}>
      <button ref={button} type="button" class="icon" aria-haspopup="menu" aria-expanded={open} aria-label={label} title={label} data-testid="widget-menu" onClick={() => setOpen(!open)}>
        <Icon name="more" />
      </button>
      {open && (
        <div role="menu" class="menu-list" aria-label={label} onKeyDown={keys}>
          {items.map((item) => (
            <button key={item.label} type="button" role="menuitem" tabIndex={-1} class={item.danger ? 'danger' : ''} data-testid={item.testid} onClick={() => { close(); item.run(); }}>
              {item.label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

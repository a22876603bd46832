import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export type Entry =
  | { kind?: 'item'; label: ComponentChildren; text?: string; testid?: string; danger?: boolean; checked?: boolean; run(): void }
  | { kind: 'heading'; label: string };

interface Props {
  label: string;
  /** What the button shows. */
  button: ComponentChildren;
  buttonClass?: string;
  entries: Entry[];
  header?: ComponentChildren;
  align?: 'start' | 'end';
  testid?: string;
}

/**
 * A button with a menu. Arrows, Home and End move, letters jump, Escape closes and gives the focus back, Tab and a click elsewhere
 * close.
 */
export function Menu({ label, button, buttonClass = 'icon-button', entries, header, align = 'end', testid }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const items = (): HTMLElement[] => [...(root.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])];

  useEffect(() => {
    if (!open) return;
    (root.current?.querySelector<HTMLElement>('[aria-checked=true]') ?? items()[0])?.focus();
    const outside = (e: PointerEvent): void => {
      if (root.current && !root.current.contains(e.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);

  const close = (): void => {
    setOpen(false);
    opener.current?.focus();
  };

  const keys = (e: KeyboardEvent): void => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    let to: number | undefined;
    switch (e.key) {
      case 'ArrowDown':
        to = (at + 1) % all.length;
        break;
      case 'ArrowUp':
        to = (at - 1 + all.length) % all.length;
        break;
      case 'Home':
        to = 0;
        break;
      case 'End':
        to = all.length - 1;
        break;
      case 'Escape':
        e.preventDefault();
        e.stopPropagation();
        return close();
      case 'Tab':
        return setOpen(false);
      default:
        if (e.key.length !== 1 || e.ctrlKey || e.metaKey || e.altKey) return;
        to = all.findIndex((el, i) => i > at && el.textContent?.trim().toLowerCase().startsWith(e.key.toLowerCase()));
        if (to < 0) to = all.findIndex((el) => el.textContent?.trim().toLowerCase().startsWith(e.key.toLowerCase()));
        if (to < 0) return;
    }
    e.preventDefault();
    all[to]?.focus();
  };

  return (
    <div class="menu" ref={root}>
      <button
        ref={opener}
        type="button"
        class={buttonClass}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={label}
        data-testid={testid}
        onClick={() => setOpen(!open)}
        onKeyDown={(e) => {
          if (!open && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
            e.preventDefault();
            setOpen(true);
          }
        }}
      >
        {button}
      </button>
      {open && (
        <div class={`menu-popup ${align}`}>
          {header && <div class="menu-header">{header}</div>}
          <div role="menu" aria-label={label} onKeyDown={keys}>
            {entries.map((entry, i) =>
              entry.kind === 'heading' ? (
                <div key={i} class="menu-heading" role="presentation">{entry.label}</div>
              ) : (
                <button
                  key={i}
                  type="button"
                  role={entry.checked === undefined ? 'menuitem' : 'menuitemradio'}
                  aria-checked={entry.checked}
                  tabIndex={-1}
                  class={`menu-item${entry.danger ? ' danger' : ''}`}
                  data-testid={entry.testid}
                  onClick={() => {
                    close();
                    entry.run();
                  }}
                >
                  {entry.label}
                </button>
              ),
            )}
          </div>
        </div>
      )}
    </div>
  );
}

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { explain } from '../api/http';
import { Button, IconButton } from './button';
import { Icon } from './icon';

interface Props {
  title: string;
  onClose(): void;
  children: ComponentChildren;
  footer?: ComponentChildren;
  /** Makes the content a form. */
  onSubmit?: () => void;
  wide?: boolean;
  testid?: string;
}

/** A modal dialog: the browser keeps the focus inside, closes it on Escape and gives the focus back. */
export function Dialog({ title, onClose, children, footer, onSubmit, wide, testid }: Props) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  // Kept fresh for the listeners below.
  const close = useRef(onClose);
  close.current = onClose;
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const d = dialog.current;
    if (d && !d.open) d.showModal();
    return () => {
      // While the dialog is open, nothing behind it takes the focus.
      close.current = () => {};
      d?.close();
      before?.focus?.({ preventScroll: true });
    };
  }, []);
  const content = (
    <>
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </header>
      <div class="dialog-body">{children}</div>
      {footer && <footer class="dialog-foot">{footer}</footer>}
    </>
  );
  return (
    <dialog
      ref={dialog}
      class={wide ? 'dialog wide' : 'dialog'}
      aria-labelledby={id}
      data-testid={testid}
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || e.defaultPrevented) return;
        e.preventDefault();
        close.current();
      }}
      onClose={() => close.current()}
      onPointerDown={(e) => {
        if (e.target === dialog.current) onClose();
      }}
    >
      {onSubmit ? (
        <form
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            onSubmit();
          }}
        >
          {content}
        </form>
      ) : (
        content
      )}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  children: ComponentChildren;
  action: string;
  danger?: boolean;
  run(): Promise<void>;
  onClose(): void;
  testid?: string;
}

/** Asks before something is done, and shows what went wrong if it fails. */
export function Confirm({ title, children, action, danger, run, onClose, testid }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const go = (): void => {
    if (busy) return;
    setBusy(true);
    setError(null);
    run().then(onClose, (e: unknown) => {
      setError(e);
      setBusy(false);
    });
  };
  return (
    <Dialog
      title={title}
      onClose={() => busy || onClose()}
      onSubmit={go}
      testid={testid}
      footer={
        <>
          <Button onClick={onClose} disabled={busy} data-testid="confirm-cancel">Cancel</Button>
          <Button type="submit" look={danger ? 'danger' : 'primary'} busy={busy} data-testid="confirm-ok">{action}</Button>
        </>
      }
    >
      {children}
      {error !== null && <Notice kind="danger">{explain(error).text}</Notice>}
    </Dialog>
  );
}

/** A message inside a page. Bad news is announced. */
export function Notice({ kind = 'info', children, testid }: { kind?: 'info' | 'danger' | 'warning' | 'success'; children: ComponentChildren; testid?: string }) {
  return (
    <div class={`notice ${kind}`} role={kind === 'danger' ? 'alert' : 'status'} data-testid={testid}>
      <Icon name={kind === 'success' ? 'check' : kind === 'info' ? 'info' : 'alert'} size={18} />
      <div>{children}</div>
    </div>
  );
}

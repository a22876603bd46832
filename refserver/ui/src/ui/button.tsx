import type { ComponentChildren } from 'preact';

import { Icon, type IconName } from './icon';

interface Native {
  type?: 'button' | 'submit';
  disabled?: boolean;
  onClick?: (e: MouseEvent) => void;
  'data-testid'?: string;
  'aria-pressed'?: boolean;
  'aria-expanded'?: boolean;
}

interface Props extends Native {
  look?: 'plain' | 'primary' | 'danger' | 'quiet';
  icon?: IconName;
  /** Something is under way: the button stays focusable but does nothing. */
  busy?: boolean;
  small?: boolean;
  children: ComponentChildren;
}

export function Button({ look = 'plain', icon, busy, small, children, onClick, type = 'button', ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      class={`button ${look}${small ? ' small' : ''}`}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={(e) => {
        if (busy) return e.preventDefault();
        onClick?.(e);
      }}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} size={18} />}
      {children}
    </button>
  );
}

export function IconButton({ icon, label, type = 'button', ...rest }: Native & { icon: IconName; label: string }) {
  return (
    <button {...rest} type={type} title={label} class="icon-button" aria-label={label}>
      <Icon name={icon} />
    </button>
  );
}

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

import { Icon } from './icon';

/** A labelled control with its hint and error. The child gets the ids it must carry. */
export function Field({ label, hint, error, children }: { label: string; hint?: string; error?: string; children: (a: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ComponentChildren }) {
  const id = useId();
  const described = error || hint ? `${id}-d` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': described, 'aria-invalid': error ? true : undefined })}
      {(error || hint) && <p id={described} class={error ? 'field-error' : 'field-hint'}>{error || hint}</p>}
    </div>
  );
}

export function Search({ value, onInput, label, testid }: { value: string; onInput(v: string): void; label: string; testid?: string }) {
  // What is typed is the field's own: the value comes back later than the next key, and would undo it.
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current && input.current !== document.activeElement) input.current.value = value;
  }, [value]);
  return (
    <div class="search">
      <Icon name="search" size={18} />
      <input ref={input} type="search" defaultValue={value} placeholder={label} aria-label={label} data-testid={testid} onInput={(e) => onInput(e.currentTarget.value)} />
    </div>
  );
}

import { useState } from 'preact/hooks';

import * as connec from '../api/connec';
import { ApiError, explain } from '../api/http';
import { code, words } from '../lib/format';
import { attributes, inOrder, value, type Attribute } from '../lib/schema';
import { Button } from '../ui/button';
import { Dialog, Notice } from '../ui/dialog';
import { Field } from '../ui/field';

interface Props {
  organization: string;
  type: connec.Collection;
  record: connec.Rec;
  onSaved(): void;
  onClose(): void;
}

type Draft = Record<string, string>;

/** Attributes that a form can change: plain values, also within objects. Lists and references stay with the apps. */
function editable(type: connec.Collection): Attribute[] {
  const all = attributes(type).filter((a) => ['text', 'number', 'boolean', 'date', 'enum'].includes(a.kind) && !a.schema.readOnly && !/(^|\.)id$/.test(a.path));
  const byPath = new Map(all.map((a) => [a.path, a]));
  return inOrder([...byPath.keys()]).map((p) => byPath.get(p) as Attribute);
}

const asText = (v: unknown, a: Attribute): string => {
  if (v === undefined || v === null) return '';
  return a.kind === 'date' && typeof v === 'string' ? v.slice(0, 10) : String(v);
};

/** Changes a record by hand. Only what was changed is sent, so that nothing else is overwritten. */
export function EditRecord({ organization, type, record, onSaved, onClose }: Props) {
  const fields = editable(type);
  const before: Draft = Object.fromEntries(fields.map((a) => [a.path, asText(value(record, a.path), a)]));
  const [draft, setDraft] = useState<Draft>(before);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [all, setAll] = useState(false);
  const changed = fields.filter((a) => draft[a.path] !== before[a.path]);
  const bad = Object.fromEntries(changed.filter((a) => a.kind === 'number' && draft[a.path] !== '' && !Number.isFinite(Number(draft[a.path]))).map((a) => [a.path, 'Enter a number.']));
  const refused: Record<string, string> = error instanceof ApiError ? Object.fromEntries(error.fields.map((f) => [f.path, f.reason])) : {};
  const visible = fields.filter((a) => all || before[a.path] !== '' || draft[a.path] !== '' || refused[a.path]);

  const save = (): void => {
    if (busy || Object.keys(bad).length) return;
    if (changed.length === 0) return onClose();
    setBusy(true);
    setError(null);
    const patch: connec.Attributes = {};
    for (const a of changed) put(patch, a.path.split('.'), parse(draft[a.path] ?? '', a));
    connec.update(organization, type.name, record.id, patch).then(onSaved, (e: unknown) => {
      setError(e);
      setBusy(false);
    });
  };

  return (
    <Dialog
      title="Edit record"
      wide
      onClose={() => busy || onClose()}
      onSubmit={save}
      testid="edit-dialog"
      footer={
        <>
          {!all && visible.length < fields.length && <Button look="quiet" onClick={() => setAll(true)}>Show empty attributes</Button>}
          <span class="spread" />
          <Button onClick={onClose} disabled={busy}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy} data-testid="edit-save">Save</Button>
        </>
      }
    >
      {error !== null && <Notice kind="danger" testid="edit-error">{explain(error).text}</Notice>}
      <p class="muted">Your change is recorded, and apps that share {words(type.name).toLowerCase()} are told of it.</p>
      <div class="form-grid">
        {visible.map((a) => (
          <Field key={a.path} label={a.label} error={bad[a.path] ?? refused[a.path]}>
            {(p) => <Control {...p} a={a} value={draft[a.path] ?? ''} onChange={(v) => setDraft((d) => ({ ...d, [a.path]: v }))} />}
          </Field>
        ))}
      </div>
    </Dialog>
  );
}

function Control({ a, value: v, onChange, ...p }: { a: Attribute; value: string; onChange(v: string): void; id: string }) {
  const testid = `edit-${a.path}`;
  if (a.kind === 'enum' || a.kind === 'boolean') {
    const options: [string, string][] = a.kind === 'boolean' ? [['true', 'Yes'], ['false', 'No']] : (a.schema.enum ?? []).map((x) => [String(x), code(String(x))]);
    const unknown = v !== '' && !options.some(([x]) => x === v);
    return (
      <select {...p} value={v} data-testid={testid} onChange={(e) => onChange(e.currentTarget.value)}>
        <option value="" selected={v === ''}>–</option>
        {unknown && <option value={v} selected>{v}</option>}
        {options.map(([x, label]) => <option key={x} value={x} selected={x === v}>{label}</option>)}
      </select>
    );
  }
  if (/note|description/.test(a.path)) return <textarea {...p} rows={3} value={v} data-testid={testid} onInput={(e) => onChange(e.currentTarget.value)} />;
  return <input {...p} type={(a.kind === 'date' ? 'date' : 'text') as 'text'} inputMode={a.kind === 'number' ? 'decimal' : 'text'} value={v} data-testid={testid} onInput={(e) => onChange(e.currentTarget.value)} />;
}

function parse(text: string, a: Attribute): unknown {
  if (text === '') return a.kind === 'text' ? '' : null;
  if (a.kind === 'number') return Number(text);
  if (a.kind === 'boolean') return text === 'true';
  return a.kind === 'date' ? `${text}T00:00:00Z` : text;
}

function put(into: connec.Attributes, [first, ...rest]: string[], v: unknown): void {
  if (first === undefined) return;
  if (rest.length === 0) into[first] = v;
  else {
    const inner = (into[first] ??= {}) as connec.Attributes;
    put(inner, rest, v);
  }
}

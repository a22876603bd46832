import { useEffect, useRef, useState } from 'preact/hooks';

import type { ApiError } from '../api/http';
import { code } from '../lib/format';
import { compose, errorPosition, opsOf, read, takesValue, type Condition, type Op } from '../lib/filter';
import type { Attribute } from '../lib/schema';
import { Button, IconButton } from '../ui/button';
import { Icon } from '../ui/icon';

interface Props {
  attributes: Attribute[];
  /** The filter that is applied. */
  filter: string;
  /** What the server had against it. */
  error: ApiError | null;
  onApply(text: string): void;
}

/** Edits a filter as conditions or as text. What the conditions can't express is shown as text. */
export function FilterPanel({ attributes, filter, error, onApply }: Props) {
  const [conditions, setConditions] = useState<Condition[]>(() => start(filter, attributes));
  const [text, setText] = useState(filter);
  const [mode, setMode] = useState<'form' | 'text'>(() => (read(filter, attributes) === null ? 'text' : 'form'));
  const [hint, setHint] = useState('');

  // The address may change the filter: back and forward, or "show all".
  useEffect(() => {
    setText(filter);
    const known = read(filter, attributes);
    if (known === null) setMode('text');
    else setConditions((old) => (compose(old, attributes) === filter && filter !== '' ? old : start(filter, attributes)));
  }, [filter]);

  const apply = (): void => onApply(mode === 'form' ? compose(conditions, attributes) : text.trim());
  const toText = (): void => {
    setText(compose(conditions, attributes));
    setHint('');
    setMode('text');
  };
  const toForm = (): void => {
    const known = read(text, attributes);
    if (known === null) return setHint('This filter says more than conditions can. Edit it as text.');
    setConditions(known.length ? known : [blank(attributes)]);
    setHint('');
    setMode('form');
  };

  return (
    <section class="card filter" aria-label="Filter" data-testid="filter-panel">
      <form noValidate onSubmit={(e) => { e.preventDefault(); apply(); }}>
        {mode === 'form'
          ? <Rows attributes={attributes} conditions={conditions} onChange={setConditions} />
          : <Raw text={text} onInput={setText} error={error && text.trim() === filter ? error : null} hint={hint} />}
        <div class="filter-foot">
          {mode === 'form' && <Button small icon="plus" data-testid="filter-add" onClick={() => setConditions([...conditions, blank(attributes)])}>Add condition</Button>}
          <Button small look="quiet" data-testid="filter-mode" onClick={mode === 'form' ? toText : toForm}>{mode === 'form' ? 'Edit as text' : 'Edit as conditions'}</Button>
          <span class="spread" />
          {(filter !== '' || text !== '') && <Button small look="quiet" data-testid="filter-clear" onClick={() => { setConditions([blank(attributes)]); setText(''); onApply(''); }}>Clear</Button>}
          <Button small type="submit" look="primary" data-testid="filter-apply">Apply</Button>
        </div>
        {mode === 'form' && error && <p class="field-error" role="alert">{readable(reason(error), null)}</p>}
      </form>
    </section>
  );
}

function blank(attributes: Attribute[]): Condition {
  const a = attributes.find((x) => x.path === 'status') ?? attributes[0];
  return { path: a?.path ?? '', op: opsOf(a?.kind ?? 'text')[0]?.[0] ?? 'eq', value: '' };
}

function start(filter: string, attributes: Attribute[]): Condition[] {
  const known = read(filter, attributes);
  return known?.length ? known : [blank(attributes)];
}

function Rows({ attributes, conditions, onChange }: { attributes: Attribute[]; conditions: Condition[]; onChange(c: Condition[]): void }) {
  const set = (i: number, patch: Partial<Condition>): void => onChange(conditions.map((c, j) => (j === i ? { ...c, ...patch } : c)));
  return (
    <ol class="conditions">
      {conditions.map((c, i) => {
        const a = attributes.find((x) => x.path === c.path);
        const ops = opsOf(a?.kind ?? 'text');
        return (
          <li key={i}>
            <span class="conjunction">{i === 0 ? 'Where' : 'and'}</span>
            <select
              aria-label="Attribute"
              value={c.path}
              data-testid={`filter-attribute-${i}`}
              onChange={(e) => {
                const path = e.currentTarget.value;
                const kind = attributes.find((x) => x.path === path)?.kind ?? 'text';
                set(i, { path, op: opsOf(kind)[0]?.[0] ?? 'eq', value: kind === 'boolean' ? 'true' : '' });
              }}
            >
              {attributes.map((x) => <option key={x.path} value={x.path} selected={x.path === c.path}>{x.label}</option>)}
            </select>
            <select aria-label="Comparison" value={c.op} data-testid={`filter-op-${i}`} onChange={(e) => set(i, { op: e.currentTarget.value as Op })}>
              {ops.map(([op, label]) => <option key={op} value={op} selected={op === c.op}>{label}</option>)}
            </select>
            {takesValue(c.op) ? <Operand attribute={a} value={c.value} index={i} onChange={(value) => set(i, { value })} /> : <span class="operand" />}
            <IconButton icon="close" label="Remove condition" disabled={conditions.length === 1 && !c.value} onClick={() => onChange(conditions.length === 1 ? [blank(attributes)] : conditions.filter((_, j) => j !== i))} />
          </li>
        );
      })}
    </ol>
  );
}

function Operand({ attribute: a, value, index, onChange }: { attribute?: Attribute; value: string; index: number; onChange(v: string): void }) {
  const common = { 'aria-label': 'Value', class: 'operand', 'data-testid': `filter-value-${index}`, value };
  if (a?.kind === 'enum' || a?.kind === 'boolean') {
    const options: [string, string][] = a.kind === 'boolean' ? [['true', 'Yes'], ['false', 'No']] : (a.schema.enum ?? []).map((v) => [String(v), code(String(v))]);
    return (
      <select {...common} onChange={(e) => onChange(e.currentTarget.value)}>
        {a.kind === 'enum' && <option value="" selected={value === ''}>Choose…</option>}
        {options.map(([v, label]) => <option key={v} value={v} selected={v === value}>{label}</option>)}
      </select>
    );
  }
  const type = (a?.kind === 'date' ? 'date' : 'text') as 'text';
  return <input {...common} type={type} inputMode={a?.kind === 'number' ? 'decimal' : 'text'} onInput={(e) => onChange(e.currentTarget.value)} />;
}

/** What the server says of the filter, without the parameter's name. */
function reason(error: ApiError | null): string {
  return error?.fields.find((f) => f.path === '$filter')?.reason ?? error?.message.replace(/^\$filter /, '') ?? '';
}

/** The same for people, who count characters, from 1. */
function readable(message: string, at: number | null): string {
  const text = message.replace(/,? ?at byte \d+/, at === null ? '' : ` at character ${at + 1}`);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function Raw({ text, onInput, error, hint }: { text: string; onInput(v: string): void; error: ApiError | null; hint: string }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const message = reason(error);
  const at = error ? errorPosition(message, text) : null;
  useEffect(() => {
    if (at === null || !box.current) return;
    box.current.focus();
    box.current.setSelectionRange(at, Math.min(text.length, at + 1));
  }, [error]);
  return (
    <div class="raw-filter">
      <label for="raw-filter">Filter</label>
      <textarea
        id="raw-filter"
        ref={box}
        rows={2}
        spellcheck={false}
        value={text}
        placeholder="status eq 'PAID' and transaction_date gte '2026-01-01'"
        aria-invalid={error ? true : undefined}
        aria-describedby="raw-filter-help"
        data-testid="filter-text"
        onInput={(e) => onInput(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === 'Enter' && !e.shiftKey) {
            e.preventDefault();
            e.currentTarget.form?.requestSubmit();
          }
        }}
      />
      <div id="raw-filter-help">
        {error ? (
          <div class="filter-error" role="alert" data-testid="filter-error">
            <p><Icon name="alert" size={16} />{readable(message, at)}</p>
            {at !== null && (
              <pre data-testid="filter-error-at"><span>{text.slice(0, at)}</span><mark>{text.slice(at, at + 1) || ' '}</mark><span>{text.slice(at + 1)}</span></pre>
            )}
          </div>
        ) : hint ? (
          <p class="field-error" role="alert">{hint}</p>
        ) : (
          <p class="field-hint">
            Comparisons <code>eq ne gt gte lt lte match in</code>, joined by <code>and</code>, <code>or</code>, <code>not</code> and parentheses.
          </p>
        )}
      </div>
    </div>
  );
}

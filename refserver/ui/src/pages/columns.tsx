import { useState } from 'preact/hooks';

import type { Attribute } from '../lib/schema';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Search } from '../ui/field';
import { IconButton } from '../ui/button';

interface Props {
  all: Attribute[];
  shown: string[];
  title: string;
  /** Null goes back to the default. */
  onApply(paths: string[] | null): void;
  onClose(): void;
}

/** Chooses and orders the columns of a table. */
export function ColumnChooser({ all, shown, title, onApply, onClose }: Props) {
  const [paths, setPaths] = useState(shown);
  const [text, setText] = useState('');
  const labelOf = (p: string): string => all.find((a) => a.path === p)?.label ?? p;
  const swap = (i: number, j: number): void => {
    const next = [...paths];
    const [a, b] = [next[i], next[j]];
    if (a === undefined || b === undefined) return;
    next[i] = b;
    next[j] = a;
    setPaths(next);
  };
  const rest = all.filter((a) => !paths.includes(a.path) && a.label.toLowerCase().includes(text.toLowerCase()));
  return (
    <Dialog
      title={title}
      onClose={onClose}
      testid="columns-dialog"
      onSubmit={() => {
        onApply(paths);
        onClose();
      }}
      footer={
        <>
          <Button look="quiet" data-testid="columns-reset" onClick={() => { onApply(null); onClose(); }}>Back to default</Button>
          <span class="spread" />
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" disabled={paths.length === 0} data-testid="columns-apply">Apply</Button>
        </>
      }
    >
      <h3 class="list-title">Shown</h3>
      <ol class="pick-list">
        {paths.map((p, i) => (
          <li key={p}>
            <span>{labelOf(p)}</span>
            <IconButton icon="up" label={`Move ${labelOf(p)} to the left`} disabled={i === 0} onClick={() => swap(i, i - 1)} />
            <IconButton icon="down" label={`Move ${labelOf(p)} to the right`} disabled={i === paths.length - 1} onClick={() => swap(i, i + 1)} />
            <IconButton icon="close" label={`Hide ${labelOf(p)}`} disabled={paths.length === 1} onClick={() => setPaths(paths.filter((x) => x !== p))} />
          </li>
        ))}
      </ol>
      <h3 class="list-title">More</h3>
      <Search value={text} onInput={setText} label="Search attributes" />
      <ul class="pick-list more">
        {rest.map((a) => (
          <li key={a.path}>
            <span>{a.label}</span>
            <IconButton icon="plus" label={`Show ${a.label}`} data-testid={`column-${a.path}`} disabled={paths.length >= 14} onClick={() => setPaths([...paths, a.path])} />
          </li>
        ))}
        {rest.length === 0 && <li class="muted">Nothing left to show.</li>}
      </ul>
    </Dialog>
  );
}

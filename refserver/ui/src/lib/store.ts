import { useLayoutEffect, useState } from 'preact/hooks';

/** A value that components follow. */
export interface Store<T> {
  get(): T;
  set(next: T | ((old: T) => T)): void;
  subscribe(f: () => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const followers = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      const v = typeof next === 'function' ? (next as (old: T) => T)(value) : next;
      if (Object.is(v, value)) return;
      value = v;
      for (const f of [...followers]) f();
    },
    subscribe(f) {
      followers.add(f);
      return () => followers.delete(f);
    },
  };
}

export function useStore<T>(store: Store<T>): T {
  const [, changed] = useState({});
  const value = store.get();
  useLayoutEffect(() => {
    // It may have changed between the rendering and now.
    if (!Object.is(store.get(), value)) changed({});
    return store.subscribe(() => changed({}));
  }, [store]);
  return value;
}

/** localStorage, which a browser may forbid. */
export const memory = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(`ensemble.${key}`);
    } catch {
      return null;
    }
  },
  set(key: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(`ensemble.${key}`);
      else localStorage.setItem(`ensemble.${key}`, value);
    } catch {
      // The choice lasts as long as the page.
    }
  },
};

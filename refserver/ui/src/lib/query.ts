import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Query<T> {
  data: T | undefined;
  error: unknown;
  /** Nothing to show yet. */
  loading: boolean;
  /** Something is shown, something newer is on its way. */
  refreshing: boolean;
  reload(): void;
  /** Puts a known value in place, as after a write. */
  put(next: T | ((old: T | undefined) => T)): void;
}

const limit = 200;
const cache = new Map<string, unknown>();

function remember(key: string, value: unknown): void {
  cache.delete(key);
  cache.set(key, value);
  if (cache.size > limit) cache.delete(cache.keys().next().value as string);
}

/** Forgets what was fetched: everything, or keys that begin with prefix. */
export function forget(prefix = ''): void {
  for (const key of [...cache.keys()]) if (key.startsWith(prefix)) cache.delete(key);
}

interface Options<T> {
  /** Fetches again after so many milliseconds while the answer asks for it and the page is seen. */
  poll?: (data: T | undefined) => number | null;
}

/**
 * Fetches and follows a value. The key names it: a new key fetches anew, and what was fetched for a key before is shown until the answer is
 * there. A null key fetches nothing.
 */
export function useQuery<T>(key: string | null, fetcher: (signal: AbortSignal) => Promise<T>, options: Options<T> = {}): Query<T> {
  const latest = useRef({ fetcher, options });
  latest.current = { fetcher, options };
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{ key: string | null; error: unknown; busy: boolean }>({ key: null, error: null, busy: false });
  const [, changed] = useState({});

  useEffect(() => {
    if (key === null) return;
    const abort = new AbortController();
    let timer = 0;
    const again = (): void => {
      const wait = latest.current.options.poll?.(cache.get(key) as T | undefined);
      if (wait === null || wait === undefined || abort.signal.aborted) return;
      timer = window.setTimeout(() => (document.hidden ? again() : run()), wait);
    };
    const run = (): void => {
      setState((s) => ({ key, error: s.key === key ? s.error : null, busy: true }));
      latest.current.fetcher(abort.signal).then(
        (data) => {
          if (abort.signal.aborted) return;
          remember(key, data);
          setState({ key, error: null, busy: false });
          again();
        },
        (error: unknown) => {
          if (abort.signal.aborted) return;
          setState({ key, error, busy: false });
          again();
        },
      );
    };
    run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, round]);

  const reload = useCallback(() => setRound((r) => r + 1), []);
  const put = useCallback(
    (next: T | ((old: T | undefined) => T)) => {
      if (key === null) return;
      remember(key, typeof next === 'function' ? (next as (old: T | undefined) => T)(cache.get(key) as T | undefined) : next);
      changed({});
    },
    [key],
  );
  const data = key === null ? undefined : (cache.get(key) as T | undefined);
  const current = state.key === key;
  const busy = key !== null && (!current || state.busy);
  return {
    data,
    error: current ? state.error : null,
    loading: data === undefined && busy && !(current && state.error && !state.busy),
    refreshing: data !== undefined && busy,
    reload,
    put,
  };
}

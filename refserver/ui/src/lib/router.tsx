import type { ComponentChildren } from 'preact';

import { createStore, useStore } from './store';

export interface Place {
  path: string;
  search: string;
}

const here = (): Place => ({ path: location.pathname.replace(/(.)\/+$/, '$1'), search: location.search });
const place = createStore<Place>(here());
addEventListener('popstate', () => place.set(here()));

/** The current address. */
export function usePlace(): Place {
  return useStore(place);
}

export function currentPlace(): Place {
  return place.get();
}

/** Goes to an address of the console. */
export function navigate(to: string, options: { replace?: boolean; keepScroll?: boolean } = {}): void {
  if (to === location.pathname + location.search) return;
  history[options.replace ? 'replaceState' : 'pushState'](null, '', to);
  place.set(here());
  if (!options.keepScroll) scrollTo(0, 0);
}

/** Sets parameters of the current address without leaving the page. */
export function setParams(params: Record<string, string | null>, replace = false): void {
  const search = new URLSearchParams(location.search);
  for (const [k, v] of Object.entries(params)) {
    if (v === null || v === '') search.delete(k);
    else search.set(k, v);
  }
  const text = search.toString();
  navigate(location.pathname + (text ? `?${text}` : ''), { replace, keepScroll: true });
}

interface LinkProps {
  href: string;
  children?: ComponentChildren;
  class?: string;
  title?: string;
  'aria-label'?: string;
  'aria-current'?: 'page' | undefined;
  'data-testid'?: string;
}

/** A link within the console. */
export function Link({ href, ...rest }: LinkProps) {
  return (
    <a
      {...rest}
      href={href}
      onClick={(e) => {
        if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
        e.preventDefault();
        navigate(href);
      }}
    />
  );
}

/** Matches a path with a pattern such as "/data/:collection". Returns the decoded parameters, or null. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split('/');
  const have = path.split('/');
  if (want.length !== have.length) return null;
  const params: Record<string, string> = {};
  for (const [i, w] of want.entries()) {
    const h = have[i] ?? '';
    if (w.startsWith(':')) {
      if (!h) return null;
      try {
        params[w.slice(1)] = decodeURIComponent(h);
      } catch {
        return null;
      }
    } else if (w !== h) return null;
  }
  return params;
}

/** An address of this origin from untrusted input, or the fallback. */
export function safeReturn(to: string | null, fallback = '/'): string {
  if (!to || !to.startsWith('/') || /[\u0000-\u001f\\]/.test(to)) return fallback;
  try {
    const url = new URL(to, location.origin);
    if (url.origin !== location.origin || url.pathname.startsWith('//') || url.pathname === '/login') return fallback;
    return url.pathname + url.search + url.hash;
  } catch {
    return fallback;
  }
}

/** Whether an address is one of the console's own pages. */
export function isPage(to: string): boolean {
  return /^\/(login|apps|marketplace|data)?(\/|\?|#|$)/.test(to);
}

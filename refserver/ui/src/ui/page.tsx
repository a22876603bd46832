import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

import { productName } from '../product';
import { announce } from './toast';
import { Link } from '../lib/router';

interface Props {
  title: string;
  /** For the browser's title bar, when it says more than the heading. */
  documentTitle?: string;
  intro?: ComponentChildren;
  actions?: ComponentChildren;
  crumbs?: { href: string; label: string }[];
  before?: ComponentChildren;
  children: ComponentChildren;
  testid: string;
}

let first = true;

/** A page: its title, actions and content. Going to a page moves the focus to its heading. */
export function Page({ title, documentTitle, intro, actions, crumbs, before, children, testid }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  // At once: later it would take the focus from a field in which somebody types already.
  useLayoutEffect(() => {
    if (!first) {
      heading.current?.focus({ preventScroll: true });
      announce(title);
    }
    first = false;
  }, []);
  useEffect(() => {
    document.title = `${documentTitle ?? title} · ${productName}`;
  }, [title, documentTitle]);
  return (
    <div class="page" data-testid={testid}>
      {crumbs && (
        <nav class="crumbs" aria-label="Breadcrumb">
          <ol>
            {crumbs.map((c) => <li key={c.href}><Link href={c.href}>{c.label}</Link></li>)}
            <li aria-current="page">{title}</li>
          </ol>
        </nav>
      )}
      <header class="page-head">
        {before}
        <div class="page-titles">
          <h1 ref={heading} tabIndex={-1}>{title}</h1>
          {intro && <p class="intro">{intro}</p>}
        </div>
        {actions && <div class="page-actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

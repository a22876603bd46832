import type { ComponentChildren } from 'preact';

import type { Organization, User } from '../api/hub';
import { Link, usePlace } from '../lib/router';
import { productName } from '../product';
import { Icon, Mark, type IconName } from '../ui/icon';
import { OrganizationSwitcher } from './organization';
import { UserMenu } from './user';
import { ThemeSwitch } from './theme';

const places: { href: string; label: string; icon: IconName; testid: string }[] = [
  { href: '/', label: 'Home', icon: 'home', testid: 'nav-home' },
  { href: '/apps', label: 'My apps', icon: 'apps', testid: 'nav-apps' },
  { href: '/marketplace', label: 'Marketplace', icon: 'store', testid: 'nav-marketplace' },
  { href: '/data', label: 'Data', icon: 'data', testid: 'nav-data' },
];

/** The frame of all pages of a signed-in user. */
export function Shell({ user, organization, children }: { user: User; organization: Organization | null; children: ComponentChildren }) {
  const { path } = usePlace();
  const current = (href: string): boolean => (href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`));
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>Skip to content</a>
      <header class="topbar">
        <Link href="/" class="brand" aria-label={`${productName}, home`}><Mark /><span>{productName}</span></Link>
        {organization && <OrganizationSwitcher organizations={user.organizations} current={organization} />}
        <div class="topbar-end">
          <ThemeSwitch />
          <UserMenu user={user} organization={organization} />
        </div>
      </header>
      <nav class="sidebar" aria-label="Main">
        <ul>
          {places.map((p) => (
            <li key={p.href}>
              <Link href={p.href} class="nav-link" aria-current={current(p.href) ? 'page' : undefined} data-testid={p.testid}>
                <Icon name={p.icon} />
                <span>{p.label}</span>
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" tabIndex={-1}>{children}</main>
    </div>
  );
}

import { createStore, memory } from './store';

export type Theme = 'system' | 'light' | 'dark';

const stored = memory.get('theme');
export const theme = createStore<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');

const media = matchMedia('(prefers-color-scheme: dark)');

function apply(): void {
  const t = theme.get();
  const shown = t === 'system' ? (media.matches ? 'dark' : 'light') : t;
  document.documentElement.dataset.theme = shown;
  const color = shown === 'dark' ? '#181b23' : '#ffffff';
  document.querySelector('meta[name=theme-color]')?.setAttribute('content', color);
}

media.addEventListener('change', apply);
theme.subscribe(apply);
apply();

export function setTheme(t: Theme): void {
  memory.set('theme', t === 'system' ? null : t);
  theme.set(t);
}

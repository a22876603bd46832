/** Colours of a chart, read from the page's custom properties so that charts follow its theme. */
export interface Theme {
  series: string[];
  text: string;
  muted: string;
  grid: string;
  surface: string;
  font: string;
}

export function themeOf(host: HTMLElement): Theme {
  const style = getComputedStyle(host);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  return {
    series: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => value(`--_series-${n}`)),
    text: value('--_text'),
    muted: value('--_muted'),
    grid: value('--_grid'),
    surface: value('--_surface'),
    font: style.fontFamily,
  };
}

/** Calls back whenever the page's theme may have changed. Returns the undo. */
export function watchTheme(changed: () => void): () => void {
  const media = matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', changed);
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['class', 'style', 'data-theme'] });
  return () => {
    media.removeEventListener('change', changed);
    observer.disconnect();
  };
}

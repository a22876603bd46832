// Runs before the first paint, so that a chosen theme doesn't flash. It has no imports: the page loads it as a plain script.
// lib/theme.ts does the same once the program runs.
{
  let theme: string | null = null;
  try {
    theme = localStorage.getItem('ensemble.theme');
  } catch {
    // Storage may be forbidden; the system's theme is used then.
  }
  if (theme !== 'light' && theme !== 'dark') theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  document.documentElement.dataset.theme = theme;
}

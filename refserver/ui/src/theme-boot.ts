// Runs before the first paint, so that a chosen theme doesn't flash. It has no imports: the page loads it as a plain script.
{
  let theme: string | null = null;
  try {
    theme = localStorage.getItem('ensemble.theme');
  } catch {
    // Storage may be forbidden; the system's theme is used then.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
}

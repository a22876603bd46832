/** What the page or the server that serves the bundle decides for all widgets. */
export interface Config {
  /** Where Impac's engine API is; the attribute api-base of an element overrides it. */
  apiBase?: string;
}

const config: Required<Config> = { apiBase: '/impac/api/v1' };

/** Sets the defaults of all widgets on the page. */
export function configure(c: Config): void {
  if (c.apiBase) config.apiBase = c.apiBase.replace(/\/+$/, '');
}

export function apiBase(): string {
  return config.apiBase;
}

const paths = {
  settings: 'M4 7.5h7.5m5 0H20M11.5 7.5a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0M4 16.5h3.5m5 0H20M7.5 16.5a2.5 2.5 0 1 0 5 0 2.5 2.5 0 1 0-5 0',
  refresh: 'M20 11a8 8 0 1 0-.6 4M20 5v6h-6',
  table: 'M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9',
  chart: 'M5 20V11m5 9V4m5 16v-7m5 7V8',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  close: 'M6 6l12 12M18 6L6 18',
  alert: 'M12 8.5v4.5m0 3h.01M10.3 4.2 2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0z',
  empty: 'M4 19h16M7 19v-5m5 5V8m5 11v-8',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="none" stroke="currentColor" stroke-width={name === 'more' ? 3 : 1.8} stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

// Line icons on a 24-unit grid, drawn for the console.
const paths = {
  home: 'M4 11.2 12 4.5l8 6.7M6 9.6V19.5h4.2v-5.2h3.6v5.2H18V9.6',
  store: 'M4.5 9.5 6 4.5h12l1.5 5M4.5 9.5a2.5 2.5 0 0 0 5 0 2.5 2.5 0 0 0 5 0 2.5 2.5 0 0 0 5 0M5.5 12v7.5h13V12M10 19.5v-4.5h4v4.5',
  apps: 'M4.5 4.5h6v6h-6zM13.50 4.5h6v6h-6zM4.5 13.50h6v6h-6zM13.50 13.50h6v6h-6z',
  data: 'M12 10c4.1 0 7.50-1.23 7.50-2.75S16.10 4.5 12 4.5 4.5 5.73 4.5 7.25 7.90 10 12 10zM4.5 7.25v9.50c0 1.52 3.40 2.75 7.50 2.75s7.50-1.23 7.50-2.75v-9.50M4.5 12c0 1.52 3.40 2.75 7.50 2.75s7.50-1.23 7.50-2.75',
  search: 'M10.50 17a6.50 6.50 0 1 0 0-13 6.50 6.50 0 0 0 0 13zM15.30 15.30 20 20',
  chevron: 'm6.50 9.50 5.50 5.50 5.50-5.50',
  right: 'm9.50 6.50 5.50 5.50-5.50 5.50',
  left: 'M14.50 6.50 9 12l5.50 5.50',
  back: 'M19 12H5.50M11 6l-6 6 6 6',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'm5 12.50 4.50 4.50L19 7.50',
  plus: 'M12 5v14M5 12h14',
  more: 'M5.50 12h.01M12 12h.01M18.50 12h.01',
  open: 'M13.50 4.50h6v6M19.50 4.50 11 13M17 13.50v6H4.50V7h6',
  trash: 'M4.50 6.50h15M9.50 6.50v-2h5v2M6.50 6.50l.8 13h9.40l.8-13M10 10.50v5.50m4-5.50v5.50',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.50 20c.9-3.60 3.90-5.50 7.50-5.50s6.60 1.90 7.50 5.50',
  out: 'M14 4.50H5.50v15H14M10.50 12h9m-3.50-4 4 4-4 4',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2.50v2m0 15v2M2.50 12h2m15 0h2M5.30 5.30l1.40 1.40m10.60 10.60 1.40 1.40m0-13.40-1.40 1.40M6.70 17.30l-1.40 1.40',
  moon: 'M19.50 14A8 8 0 0 1 10 4.50 8 8 0 1 0 19.50 14z',
  system: 'M4 5h16v11H4zM9 20h6m-3-4v4',
  alert: 'M12 9v4.50m0 3h.01M10.30 4.60 3 17.50a1.90 1.90 0 0 0 1.70 2.90h14.60a1.90 1.90 0 0 0 1.70-2.90L13.70 4.60a1.95 1.95 0 0 0-3.40 0z',
  info: 'M12 20.50a8.50 8.50 0 1 0 0-17 8.50 8.50 0 0 0 0 17zM12 11v5m0-8.20h.01',
  filter: 'M4 5.50h16l-6.20 7.30v5.70l-3.60 1.50v-7.20z',
  columns: 'M4.50 5h15v14h-15zM9.50 5v14m5-14v14',
  edit: 'm14.50 5.50 4 4L8.50 19.50h-4v-4zM12.50 7.50l4 4',
  clock: 'M12 20.50a8.50 8.50 0 1 0 0-17 8.50 8.50 0 0 0 0 17zM12 7v5.20l3.30 2',
  refresh: 'M19.50 11a7.60 7.60 0 1 0-.7 4.50M19.50 5v6h-6',
  copy: 'M9 9h10.50v10.50H9zM15 9V4.50H4.50V15H9',
  link: 'M10 14a4 4 0 0 0 5.70 0l3-3A4 4 0 0 0 13 5.30l-1 1M14 10a4 4 0 0 0-5.70 0l-3 3a4 4 0 0 0 5.70 5.70l1-1',
  building: 'M5 20V4.50h9V20M14 9.50h5V20M3.50 20h17M8 8h3M8 11.50h3M8 15h3M16.50 13h.01m-.01 3.50h.01',
  up: 'M12 19V5.50m-5.50 5.50L12 5.50l5.50 5.50',
  down: 'M12 5v13.50m5.50-5.50-5.50 5.50-5.50-5.50',
  people: 'M9 11.50a3.50 3.50 0 1 0 0-7 3.50 3.50 0 0 0 0 7zM2.50 19.50c.7-3.20 3.30-5 6.50-5s5.80 1.80 6.50 5M16 5a3.30 3.30 0 0 1 0 6.30m2 3.70c1.90.7 3.10 2.30 3.50 4.50',
  invoice: 'M6 3.50h12v17l-2.40-1.60-1.80 1.60-1.80-1.60-1.80 1.60-1.80-1.60L6 20.50zM9 8h6m-6 3.50h6M9 15h3.50',
  card: 'M3.50 6h17v12h-17zM3.50 10h17M7 14.50h3.50',
  box: 'M12 3.50 19.50 7.50v9L12 20.50l-7.50-4v-9zM4.70 7.60 12 11.50l7.30-3.90M12 11.50v9',
  ledger: 'M5.50 4h11a2 2 0 0 1 2 2v14h-11a2 2 0 0 1-2-2zM5.50 17.50a2 2 0 0 1 2-1.50h11M9 8h6m-6 3.50h4',
  calendar: 'M4.50 6h15v13.50h-15zM4.50 10.50h15M8.50 3.50V8m7-4.50V8',
  tag: 'M4.50 4.50h7l8 8-7 7-8-8zM8.50 8.50h.01',
  target: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 15.50a3.50 3.50 0 1 0 0-7 3.50 3.50 0 0 0 0 7z',
  folder: 'M3.50 6h6l2 2.50h9V19h-17z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20, class: cls }: { name: IconName; size?: number; class?: string }) {
  return (
    <svg class={cls ? `icon ${cls}` : 'icon'} viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="none" stroke="currentColor" stroke-width={name === 'more' ? 3 : 1.70} stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

/** The product's mark. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg class="mark" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" class="mark-ground" />
      <g fill="none" class="mark-lines" stroke-width="2.60" stroke-linecap="round">
        <path d="M8 11h16" />
        <path d="M8 16h11" opacity=".8" />
        <path d="M8 21h16" />
      </g>
      <circle cx="24" cy="16" r="2.20" class="mark-dot" />
    </svg>
  );
}

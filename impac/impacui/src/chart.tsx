import { useEffect, useRef, useState } from 'preact/hooks';

import type { Instance } from './echarts';
import { figure, percent } from './format';
import { themeOf, watchTheme, type Theme } from './theme';
import type { Chart } from './view';

interface Props {
  host: HTMLElement;
  chart: Chart;
  summary: string;
}

/** Draws a chart. Readers who don't see it get the summary, and the table beside it. */
export function ChartView({ host, chart, summary }: Props) {
  if (chart.kind === 'ranking') return <Ranking chart={chart} summary={summary} />;
  if (chart.kind === 'parts') {
    return (
      <div class="split">
        <Canvas host={host} chart={chart} summary={summary} />
        <Legend chart={chart} />
      </div>
    );
  }
  return <Canvas host={host} chart={chart} summary={summary} />;
}

function Canvas({ host, chart, summary }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const instance = useRef<Instance | null>(null);
  const [theme, setTheme] = useState<Theme>(() => themeOf(host));
  const [failed, setFailed] = useState(false);

  useEffect(() => watchTheme(() => setTheme(themeOf(host))), [host]);
  useEffect(() => {
    let gone = false;
    void import('./echarts').then(
      ({ create, optionOf }) => {
        if (gone || !element.current) return;
        instance.current ??= create(element.current);
        const animate = !matchMedia('(prefers-reduced-motion: reduce)').matches;
        instance.current.setOption(optionOf(chart, theme, animate), true);
      },
      () => gone || setFailed(true),
    );
    return () => {
      gone = true;
    };
  }, [chart, theme]);
  useEffect(() => {
    const observer = new ResizeObserver(() => instance.current?.resize());
    if (element.current) observer.observe(element.current);
    return () => {
      observer.disconnect();
      instance.current?.dispose();
      instance.current = null;
    };
  }, []);

  if (failed) return <p class="note">The chart could not be loaded. The table has the figures.</p>;
  return <div class={`canvas ${chart.kind}`} ref={element} role="img" aria-label={summary} />;
}

function Ranking({ chart, summary }: { chart: Extract<Chart, { kind: 'ranking' }>; summary: string }) {
  const most = Math.max(...chart.rows.map((r) => Math.abs(r.value)), 1e-9);
  return (
    <ol class="ranking" aria-label={summary} tabIndex={chart.rows.length > 10 ? 0 : undefined}>
      {chart.rows.map((r) => (
        <li key={r.name}>
          <span class="ranking-name" title={r.name}>{r.name}</span>
          <span class="ranking-value" title={figure(r.value, chart.unit)}>{figure(r.value, chart.unit, 'compact')}</span>
          <span class="ranking-track" aria-hidden="true">
            <span class="ranking-bar" style={{ width: `${Math.max(0.5, (Math.abs(r.value) / most) * 100)}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}

function Legend({ chart }: { chart: Extract<Chart, { kind: 'parts' }> }) {
  const total = chart.rows.reduce((a, r) => a + r.value, 0);
  return (
    <ul class="legend" aria-hidden="true">
      {chart.rows.map((r, i) => (
        <li key={r.name}>
          <span class="swatch" style={{ background: `var(--_series-${(i % 8) + 1})` }} />
          <span class="legend-name">{r.name}</span>
          <span class="legend-share">{percent(r.value, total)}</span>
          <span class="legend-value">{figure(r.value, chart.unit, 'compact')}</span>
        </li>
      ))}
    </ul>
  );
}

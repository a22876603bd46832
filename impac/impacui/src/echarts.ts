// The only importer of ECharts: a chunk of its own, loaded when the first chart is drawn.
import { BarChart, PieChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use, type ComposeOption, type EChartsType } from 'echarts/core';
import type { BarSeriesOption, PieSeriesOption } from 'echarts/charts';
import type { GridComponentOption, TooltipComponentOption } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';

import { figure, percent } from './format';
import type { Theme } from './theme';
import type { Chart } from './view';

use([BarChart, PieChart, GridComponent, TooltipComponent, SVGRenderer]);

type Option = ComposeOption<BarSeriesOption | PieSeriesOption | GridComponentOption | TooltipComponentOption>;

export type Instance = EChartsType;

export function create(element: HTMLElement): Instance {
  return init(element, undefined, { renderer: 'svg' });
}

/** A tooltip made of elements, because a page's content security policy may forbid styles inside HTML text. */
function tip(title: string, lines: [string, string][]): HTMLElement {
  const box = document.createElement('div');
  box.className = 'tip';
  const head = box.appendChild(document.createElement('div'));
  head.className = 'tip-title';
  head.textContent = title;
  for (const [name, value] of lines) {
    const line = box.appendChild(document.createElement('div'));
    line.className = 'tip-line';
    line.appendChild(document.createElement('span')).textContent = name;
    line.appendChild(document.createElement('b')).textContent = value;
  }
  return box;
}

interface Hit {
  dataIndex: number;
  name: string;
  value: number;
  seriesName: string;
}

export function optionOf(chart: Chart, theme: Theme, animate: boolean): Option {
  const base: Option = {
    animation: animate,
    animationDuration: 350,
    color: theme.series,
    textStyle: { fontFamily: theme.font, color: theme.muted, fontSize: 12 },
  };
  const tooltip: TooltipComponentOption = {
    confine: true,
    className: 'tooltip',
    backgroundColor: theme.surface,
    borderColor: theme.grid,
    borderWidth: 1,
    padding: 0,
    textStyle: { color: theme.text, fontFamily: theme.font },
    extraCssText: 'box-shadow:0 4px 16px rgba(0,0,0,.14);border-radius:8px',
  };
  if (chart.kind === 'columns') {
    return {
      ...base,
      grid: { left: 4, right: 8, top: 16, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      tooltip: {
        ...tooltip,
        trigger: 'axis',
        axisPointer: { type: 'shadow', shadowStyle: { color: theme.grid, opacity: 0.35 } },
        formatter: (hits) => {
          const all = (Array.isArray(hits) ? hits : [hits]) as unknown as Hit[];
          const i = all[0]?.dataIndex ?? 0;
          return tip(chart.longLabels[i] ?? '', all.map((h) => [h.seriesName, figure(h.value, chart.unit)]));
        },
      },
      xAxis: {
        type: 'category',
        data: chart.labels,
        axisTick: { show: false },
        axisLine: { lineStyle: { color: theme.grid } },
        axisLabel: { color: theme.muted, hideOverlap: true, fontFamily: theme.font, lineHeight: 16 },
      },
      yAxis: {
        type: 'value',
        splitNumber: 4,
        axisLabel: { color: theme.muted, formatter: (v: number) => figure(v, chart.unit, 'compact'), fontFamily: theme.font },
        splitLine: { lineStyle: { color: theme.grid } },
      },
      series: chart.series.map((s) => ({
        type: 'bar',
        name: s.name,
        data: s.values,
        barMaxWidth: 44,
        barCategoryGap: '32%',
        itemStyle: { borderRadius: [4, 4, 0, 0] },
      })),
    } as Option;
  }
  const total = chart.rows.reduce((a, r) => a + r.value, 0);
  return {
    ...base,
    tooltip: {
      ...tooltip,
      trigger: 'item',
      formatter: (hit) => {
        const h = hit as unknown as Hit;
        return tip(h.name, [[percent(h.value, total), figure(h.value, chart.unit)]]);
      },
    },
    series: [
      {
        type: 'pie',
        radius: ['62%', '92%'],
        label: { show: false },
        labelLine: { show: false },
        padAngle: 1.5,
        itemStyle: { borderRadius: 4 },
        emphasis: { scaleSize: 3 },
        data: chart.rows.map((r) => ({ name: r.name, value: r.value })),
      },
    ],
  };
}

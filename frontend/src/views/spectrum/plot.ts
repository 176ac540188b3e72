// Two charts: the singular values, and the residual as it falls. Colours and type are the page's tokens.

import uPlot from "uplot";
import { evenTicks, logTicks, tickText, wholeTicks } from "./ticks.ts";

interface Axis {
  label: string;
  range: [number, number];
  log: boolean;
  whole: boolean;
}

export interface Line {
  values: (number | null)[];
  colour: "--accent" | "--soft";
  line: boolean;
  dashed?: boolean;
  points: "none" | "full" | "hollow";
}

export interface Chart {
  x: Axis;
  y: Axis;
  places: number[];
  lines: Line[];
}

/** A chart that fills an element of fixed height and is drawn anew when told, resized or themed. */
export class Plot {
  private drawn: uPlot | null = null;
  private readonly observer: ResizeObserver;
  private chart: Chart | null = null;

  constructor(
    private readonly host: HTMLElement,
    signal: AbortSignal,
    private readonly pointed?: (place: number | null) => void,
  ) {
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(host);
    signal.addEventListener("abort", () => {
      this.observer.disconnect();
      this.drawn?.destroy();
    });
  }

  show(chart: Chart): void {
    this.chart = chart;
    this.draw();
  }

  /** Take the colours of the theme again. */
  draw(): void {
    const { chart, host } = this;
    if (!chart || host.clientWidth === 0) return;
    this.drawn?.destroy();
    const data = [chart.places, ...chart.lines.map((line) => line.values)] as uPlot.AlignedData;
    this.drawn = new uPlot(this.options(chart), data, host);
    this.drawn.root.setAttribute("aria-hidden", "true");
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width === 0) return;
    if (!this.drawn) this.draw();
    else if (width !== this.drawn.width || height !== this.drawn.height) this.drawn.setSize({ width, height });
  }

  private options(chart: Chart): uPlot.Options {
    const style = getComputedStyle(this.host);
    const token = (name: string) => style.getPropertyValue(name).trim();
    const font = `12px ${style.fontFamily}`;
    const axis = (one: Axis, across: boolean): uPlot.Axis => ({
      label: one.label,
      labelSize: 20,
      labelGap: across ? 0 : 2,
      labelFont: font,
      font,
      size: across ? 30 : 52,
      gap: 4,
      stroke: token("--soft"),
      grid: { stroke: token("--line"), width: 1, show: !across },
      ticks: { stroke: token("--line"), width: 1, size: 4 },
      splits: (_, __, low, high) => {
        const most = Math.max(2, Math.floor((across ? this.host.clientWidth / 48 : this.host.clientHeight / 36)));
        return one.whole ? wholeTicks(low, high, most) : one.log ? logTicks(low, high, most) : evenTicks(low, high, most);
      },
      filter: (_, splits) => splits,
      values: (_, splits) => splits.map(tickText),
    });
    const scale = (one: Axis): uPlot.Scale => ({ time: false, distr: one.log ? 3 : 1, range: () => one.range });
    const series = chart.lines.map((line): uPlot.Series => {
      const stroke = token(line.colour);
      return {
        stroke,
        width: line.line ? 1.5 : 0,
        ...(line.dashed ? { dash: [4, 4] } : {}),
        points: { show: line.points !== "none", size: 8, width: 1.5, stroke, fill: line.points === "hollow" ? token("--card") : stroke },
      };
    });
    return {
      width: this.host.clientWidth,
      height: this.host.clientHeight,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: { show: this.pointed !== undefined, x: false, y: false, drag: { x: false, y: false }, points: { size: 12, width: 2 } },
      scales: { x: scale(chart.x), y: scale(chart.y) },
      axes: [axis(chart.x, true), axis(chart.y, false)],
      series: [{}, ...series],
      hooks: this.pointed ? { setCursor: [(plot: uPlot) => this.pointed!(plot.cursor.idx ?? null)] } : {},
    };
  }
}

/** The singular values by their index. */
export function valuesChart(values: readonly { value: number; converged: boolean }[], wanted: number, log: boolean): Chart {
  const sizes = values.map(({ value }) => (log && value <= 0 ? null : value));
  const positive = sizes.filter((value): value is number => value !== null && value > 0);
  const [least, largest] = positive.length ? [Math.min(...positive), Math.max(...positive)] : [0.1, 1];
  const spread = Math.max(largest / least, 1.05) ** 0.12;
  return {
    x: { label: "index", range: [0.5, wanted + 0.5], log: false, whole: true },
    y: { label: "singular value s (gain)", range: log ? [least / spread, largest * spread] : [0, 1.1 * largest], log, whole: false },
    places: values.length ? values.map((_, i) => i + 1) : [1],
    lines: [
      { values: values.length ? sizes : [null], colour: "--accent", line: true, points: "none" },
      { values: values.length ? sizes.map((value, i) => (values[i]!.converged ? value : null)) : [null], colour: "--accent", line: false, points: "full" },
      { values: values.length ? sizes.map((value, i) => (values[i]!.converged ? null : value)) : [null], colour: "--accent", line: false, points: "hollow" },
    ],
  };
}

/** The largest residual of those wanted, and the tolerance that it must come below. */
export function residualChart(trail: readonly { products: number; residual: number }[], tol: number): Chart {
  const seen = trail.filter(({ residual }) => residual > 0);
  const last = Math.max(20, seen[seen.length - 1]?.products ?? 0);
  const sizes = seen.map(({ residual }) => residual);
  const places = [0, ...seen.map(({ products }) => products), 1.04 * last];
  return {
    x: { label: "products", range: [0, 1.04 * last], log: false, whole: true },
    y: { label: "largest residual ÷ s₁", range: [Math.min(tol / 4, ...sizes) * 0.8, Math.max(1, ...sizes) * 1.25], log: true, whole: false },
    places,
    lines: [
      { values: places.map(() => tol), colour: "--soft", line: true, dashed: true, points: "none" },
      { values: [null, ...sizes, null], colour: "--accent", line: true, points: sizes.length === 1 ? "full" : "none" },
    ],
  };
}

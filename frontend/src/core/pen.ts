// How a picture is painted on its canvas, and how pixels, areas and paths are outlined on it.

import { h } from "./dom.ts";
import { clamp, type Area, type Place } from "./geometry.ts";

/** A pixel outlined. Fractions are places between pixels. */
export interface Mark {
  row: number;
  column: number;
  label?: string;
  tone: 1 | 2 | 3 | 4;
}

/** In pixels of the picture. */
export interface Box extends Area {
  tone: "window" | "soft";
  round?: boolean;
}

export interface Layer {
  source: HTMLCanvasElement;
  place: Area;
  opacity: number;
  ground: string | null;
}

/** Keeps the canvas of the layer before, where it has the size: no new one at every move of the light. */
export function layer(data: ImageData, place: Area, opacity: number, ground: string | null, before: Layer | null): Layer {
  const fits = before && before.source.width === data.width && before.source.height === data.height;
  const source = fits ? before.source : h("canvas", { width: data.width, height: data.height });
  source.getContext("2d")!.putImageData(data, 0, 0);
  return { source, place, opacity, ground };
}

export function paint(context: CanvasRenderingContext2D, { source, place, opacity, ground }: Layer, area: Area, scale: number): void {
  if (ground) {
    context.fillStyle = ground;
    context.fillRect(0, 0, Math.ceil(area.width * scale), Math.ceil(area.height * scale));
  }
  const wide = place.width * scale;
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = wide < source.width; // fewer pixels than it has: no pixel may be left out
  context.imageSmoothingQuality = "high";
  context.drawImage(source, (place.left - area.left) * scale, (place.top - area.top) * scale, wide, place.height * scale);
  context.globalAlpha = 1;
}

/** Draws marks in the colours of the page, each with a halo so that it is seen on any picture. */
export class Pen {
  private readonly style: CSSStyleDeclaration;

  constructor(
    private readonly context: CanvasRenderingContext2D,
    element: Element,
    private readonly area: Area,
    private readonly scale: number,
    private readonly ratio: number,
  ) {
    this.style = getComputedStyle(element);
  }

  private colour(name: string): string {
    return this.style.getPropertyValue(name).trim() || "#888";
  }

  private x(column: number): number {
    return (column - this.area.left) * this.scale;
  }

  private y(row: number): number {
    return (row - this.area.top) * this.scale;
  }

  private stroke(colour: string, width: number, halo: string, dash: number[] = []): void {
    const { context, ratio } = this;
    context.setLineDash([]);
    context.lineWidth = (width + 2) * ratio;
    context.strokeStyle = halo;
    context.stroke();
    context.setLineDash(dash.map((length) => length * ratio));
    context.lineWidth = width * ratio;
    context.strokeStyle = colour;
    context.stroke();
    context.setLineDash([]);
  }

  box({ top, left, height, width, tone, round }: Box): void {
    const { context } = this;
    context.beginPath();
    if (round) context.ellipse(this.x(left + width / 2), this.y(top + height / 2), (width / 2) * this.scale, (height / 2) * this.scale, 0, 0, 2 * Math.PI);
    else context.rect(this.x(left), this.y(top), width * this.scale, height * this.scale);
    const halo = this.colour("--picture-halo");
    if (tone === "window") this.stroke(this.colour("--picture-window"), 1.5, halo);
    else this.stroke(this.colour("--picture-soft"), 1, halo, [4, 3]);
  }

  path(points: Place[]): void {
    if (points.length < 2) return;
    const { context } = this;
    context.beginPath();
    points.forEach(([row, column]) => context.lineTo(this.x(column + 0.5), this.y(row + 0.5)));
    context.lineJoin = context.lineCap = "round";
    this.stroke("#fff", 2, "rgb(0 0 0 / 70%)");
    context.lineJoin = "miter";
    context.lineCap = "butt";
  }

  mark({ row, column, label, tone }: Mark): void {
    const { context, ratio } = this;
    const half = Math.max(this.scale, 9 * ratio) / 2;
    const [x, y] = [this.x(column + 0.5), this.y(row + 0.5)];
    context.beginPath();
    context.rect(x - half, y - half, 2 * half, 2 * half);
    this.stroke(this.colour(`--mark-${tone}`), 2, "#fff");
    if (!label || x < 0 || y < 0 || x > context.canvas.width || y > context.canvas.height) return;
    // The label lies above and to the right, or where there is room.
    const reach = 9 * ratio;
    const [across, down] = [context.canvas.width, context.canvas.height];
    const [lx, ly] = [clamp(x + half + reach, reach, across - reach), clamp(y - half - reach, reach, down - reach)];
    context.beginPath();
    context.arc(lx, ly, reach - ratio, 0, 2 * Math.PI);
    context.fillStyle = this.colour("--card");
    context.fill();
    context.lineWidth = 2 * ratio;
    context.strokeStyle = this.colour(`--mark-${tone}`);
    context.stroke();
    context.fillStyle = this.colour("--ink");
    context.font = `600 ${11 * ratio}px ${this.colour("--sans")}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(label, lx, ly + 0.5 * ratio);
  }
}

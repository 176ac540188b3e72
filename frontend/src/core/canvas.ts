// The zoomable picture with a light: follows the pointer and the arrow keys, tells what is picked and which path is drawn.

import { h, newId } from "./dom.ts";
import { canvasBlob } from "./download.ts";
import { beforeFrame, notBeforeFrame } from "./frame.ts";
import { clamp, lineBetween, seenArea, wholePixels, type Area, type Place } from "./geometry.ts";
import { layer, paint, Pen, type Box, type Layer, type Mark } from "./pen.ts";

export type { Box, Mark };

export interface PictureOptions {
  label: string;
  /** Of the picture, in its pixels. */
  height: number;
  width: number;
  /** The light follows the pointer and the arrow keys. */
  onMove?(row: number, column: number, how: "hover" | "key" | "drag"): void;
  /** Click, tap or Enter. */
  onPick?(row: number, column: number): void;
  /** Pixels that a drag passed, in order, none twice in a row. A finger draws only where `drawing` is set. */
  onPath?(points: Place[], done: boolean): void;
}

interface Drag {
  id: number;
  x: number;
  y: number;
  moved: boolean;
  draws: boolean;
  points: Place[];
}

const LEAST_SEEN = 8; // pixels of the shorter side at the largest zoom
const DRAG = 4; // CSS pixels
const LAMP = 13; // CSS pixels

export class PictureView {
  readonly element: HTMLDivElement;
  private readonly canvas = h("canvas", { "aria-hidden": "true" });
  private readonly lamp = h("div", { class: "lamp", "aria-hidden": "true" }, h("div"));
  private readonly said = h("span", { class: "picture-said", "aria-live": "polite" });
  private readonly help = h("span", { class: "picture-said", id: newId("picture-help") });
  private readonly ends = new AbortController();
  private readonly sizes: ResizeObserver;
  private readonly themes: MutationObserver;
  private height: number;
  private width: number;
  private base: Layer | null = null;
  private over: Layer | null = null;
  private markList: Mark[] = [];
  private boxList: Box[] = [];
  private pathList: Place[] = [];
  private centre: Place | null = null;
  private zoom = 1;
  private lit: Place;
  private drag: Drag | null = null;
  private draws = false;
  private words = "";

  constructor(
    root: HTMLElement,
    private readonly options: PictureOptions,
  ) {
    this.height = options.height;
    this.width = options.width;
    this.lit = [Math.floor(this.height / 2), Math.floor(this.width / 2)];
    const interactive = Boolean(options.onMove || options.onPick || options.onPath);
    this.element = h("div", {
      class: interactive ? "picture interactive" : "picture",
      role: "img",
      "aria-label": options.label,
      tabindex: interactive ? 0 : null,
      "aria-describedby": interactive ? this.help.id : null,
    }, this.canvas, options.onMove || options.onPick ? this.lamp : null);
    root.append(this.element);
    if (interactive) {
      this.help.textContent = helpText(options);
      this.element.after(this.help, this.said);
      this.listen();
    }
    this.sizes = new ResizeObserver(this.draw);
    this.sizes.observe(this.element);
    this.themes = new MutationObserver(() => this.redraw());
    this.themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw(), { signal: this.ends.signal });
    this.shape();
  }

  /** Any resolution; stretched over the picture, or over a part of it, with one colour around. */
  image(data: ImageData | null, place?: Area, ground?: string): void {
    this.base = data && layer(data, place ?? this.all(), 1, ground ?? null, this.base);
    this.redraw();
  }

  overlay(data: ImageData | null, opacity: number): void {
    this.over = data && layer(data, this.all(), opacity, null, this.over);
    this.redraw();
  }

  marks(list: Mark[]): void {
    this.markList = list;
    this.redraw();
  }

  boxes(list: Box[]): void {
    this.boxList = list;
    this.redraw();
  }

  /** A line through the middles of pixels. */
  path(points: Place[]): void {
    this.pathList = points;
    this.redraw();
  }

  /** Look at a part; null and 1: at all of it. */
  view(centre: Place | null, zoom: number): void {
    this.zoom = clamp(zoom, 1, Math.max(1, Math.min(this.height, this.width) / LEAST_SEEN));
    this.centre = this.zoom > 1 ? centre : null;
    this.redraw();
  }

  /** Show the light there. Tells no one. */
  light(row: number, column: number): void {
    this.lit = [clamp(row, 0, this.height - 1), clamp(column, 0, this.width - 1)];
    this.element.dataset["at"] = this.lit.join(",");
    beforeFrame(this.moveLamp);
  }

  /** A picture of another size, with all that was in it gone. */
  resize(height: number, width: number, label: string): void {
    [this.height, this.width] = [height, width];
    [this.base, this.over, this.markList, this.boxList, this.pathList] = [null, null, [], [], []];
    this.element.setAttribute("aria-label", label);
    this.view(null, 1);
    this.shape();
  }

  /** More about what is seen, said with the label. */
  describe(label: string): void {
    this.element.setAttribute("aria-label", label);
  }

  /** Whether a finger draws a path instead of only moving the light. */
  set drawing(on: boolean) {
    this.draws = on;
    this.element.classList.toggle("drawing", on);
  }

  get drawing(): boolean {
    return this.draws;
  }

  /** As seen, whole pixels of the picture times an integer, without marks. */
  png(): Promise<Blob> {
    const area = wholePixels(this.area());
    const finest = this.base ? Math.ceil(this.base.source.width / this.base.place.width) : 1;
    const factor = Math.max(1, finest, Math.min(16, Math.floor(1024 / Math.max(area.height, area.width))));
    const canvas = h("canvas", { width: area.width * factor, height: area.height * factor });
    const context = canvas.getContext("2d")!;
    for (const one of [this.base, this.over]) if (one) paint(context, one, area, factor);
    return canvasBlob(canvas);
  }

  destroy(): void {
    this.ends.abort();
    this.sizes.disconnect();
    this.themes.disconnect();
    notBeforeFrame(this.draw);
    notBeforeFrame(this.moveLamp);
    this.help.remove();
    this.said.remove();
    this.element.remove();
  }

  private all(): Area {
    return { top: 0, left: 0, height: this.height, width: this.width };
  }

  private area(): Area {
    return seenArea(this.height, this.width, this.centre, this.zoom);
  }

  private shape(): void {
    this.element.style.setProperty("--picture-ratio", String(this.width / this.height));
    this.light(...this.lit);
  }

  /** By a transform alone: nothing is drawn anew when the light moves. */
  private readonly moveLamp = (): void => {
    const { top, left, height, width } = this.area();
    const [down, right] = [(this.lit[0] + 0.5 - top) / height, (this.lit[1] + 0.5 - left) / width];
    this.lamp.style.transform = `translate(${100 * right}%, ${100 * down}%)`;
  };

  private redraw(): void {
    beforeFrame(this.draw);
  }

  private readonly draw = (): void => {
    notBeforeFrame(this.draw);
    const ratio = devicePixelRatio || 1;
    const [wide, high] = [Math.round(this.element.clientWidth * ratio), Math.round(this.element.clientHeight * ratio)];
    if (!wide || !high) return;
    if (this.canvas.width !== wide) this.canvas.width = wide;
    if (this.canvas.height !== high) this.canvas.height = high;
    const context = this.canvas.getContext("2d")!;
    const area = this.area();
    const scale = wide / area.width;
    context.clearRect(0, 0, wide, high);
    for (const one of [this.base, this.over]) if (one) paint(context, one, area, scale);
    const pen = new Pen(context, this.element, area, scale, ratio);
    for (const box of this.boxList) pen.box(box);
    pen.path(this.pathList);
    for (const mark of this.markList) pen.mark(mark);
    // A pixel of a few points is circled, a large one outlined.
    const size = scale / ratio;
    this.lamp.style.setProperty("--lamp", `${Math.max(size, LAMP)}px`);
    this.lamp.classList.toggle("round", size < LAMP);
    this.moveLamp();
  };

  // What people do.

  private listen(): void {
    const { element } = this;
    const { signal } = this.ends;
    element.addEventListener("pointerdown", (event) => this.down(event), { signal });
    // Where the browser has it, this comes as the pointer moves; "pointermove" waits for the next frame.
    const moves = "onpointerrawupdate" in element && isSecureContext ? "pointerrawupdate" : "pointermove";
    element.addEventListener(moves as "pointermove", (event) => this.move(event), { signal });
    element.addEventListener("pointerup", (event) => this.up(event), { signal });
    element.addEventListener("pointercancel", () => (this.drag = null), { signal });
    element.addEventListener("keydown", (event) => this.key(event), { signal });
    element.addEventListener("wheel", (event) => this.wheel(event), { signal, passive: false });
  }

  /** The pixel under a pointer. */
  placeOf(event: MouseEvent): Place {
    const seen = this.element.getBoundingClientRect();
    const area = this.area();
    const row = area.top + ((event.clientY - seen.top) / seen.height) * area.height;
    const column = area.left + ((event.clientX - seen.left) / seen.width) * area.width;
    return [clamp(Math.floor(row), 0, this.height - 1), clamp(Math.floor(column), 0, this.width - 1)];
  }

  private go([row, column]: Place, how: "hover" | "key" | "drag"): void {
    if (row === this.lit[0] && column === this.lit[1]) return;
    this.light(row, column);
    this.options.onMove?.(row, column, how);
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary) return;
    const draws = Boolean(this.options.onPath) && (event.pointerType !== "touch" || this.draws);
    this.drag = { id: event.pointerId, x: event.clientX, y: event.clientY, moved: false, draws, points: [this.placeOf(event)] };
    this.element.setPointerCapture(event.pointerId);
  }

  private move(event: PointerEvent): void {
    const place = this.placeOf(event);
    const { drag } = this;
    if (!drag || drag.id !== event.pointerId) {
      if (event.pointerType !== "touch") this.go(place, "hover");
      return;
    }
    drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > DRAG;
    if (!drag.moved) return;
    this.go(place, "drag");
    if (!drag.draws) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    const before = drag.points.length;
    for (const one of [...passed.map((part) => this.placeOf(part)), place]) drag.points.push(...lineBetween(drag.points.at(-1)!, one));
    if (drag.points.length > before) this.options.onPath!([...drag.points], false);
  }

  private up(event: PointerEvent): void {
    const { drag } = this;
    this.drag = null;
    if (!drag || drag.id !== event.pointerId) return;
    const place = this.placeOf(event);
    if (!drag.moved) {
      this.go(place, "hover");
      this.options.onPick?.(...place);
    } else if (drag.draws && drag.points.length > 1) {
      this.options.onPath!([...drag.points], true);
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = this.lit;
    const step = event.shiftKey ? 10 : 1;
    const moves: Record<string, Place> = {
      ArrowUp: [row - step, column],
      ArrowDown: [row + step, column],
      ArrowLeft: [row, column - step],
      ArrowRight: [row, column + step],
      Home: [row, 0],
      End: [row, this.width - 1],
    };
    const to = moves[event.key];
    if (to && this.options.onMove) {
      this.go([clamp(to[0], 0, this.height - 1), clamp(to[1], 0, this.width - 1)], "key");
      this.follow();
      this.say();
    } else if (event.key === "Enter" && this.options.onPick) {
      this.options.onPick(row, column);
    } else if (event.key === "+" || event.key === "=") {
      this.view([row, column], this.zoom * 2);
    } else if (event.key === "-") {
      this.view([row, column], this.zoom / 2);
    } else if (event.key === "0") {
      this.view(null, 1);
    } else {
      return;
    }
    event.preventDefault();
  }

  private wheel(event: WheelEvent): void {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    const seen = this.element.getBoundingClientRect();
    const [down, right] = [(event.clientY - seen.top) / seen.height, (event.clientX - seen.left) / seen.width];
    const before = this.area();
    const [row, column] = [before.top + down * before.height, before.left + right * before.width];
    const zoom = clamp(this.zoom * Math.exp(-event.deltaY / 200), 1, Math.max(1, Math.min(this.height, this.width) / LEAST_SEEN));
    // The pixel under the pointer stays there.
    this.view([row + (0.5 - down) * (this.height / zoom) - 0.5, column + (0.5 - right) * (this.width / zoom) - 0.5], zoom);
  }

  /** Move the part that is seen so that the light is in it. */
  private follow(): void {
    if (this.zoom === 1) return;
    const area = this.area();
    const [row, column] = this.lit;
    const room = Math.min(2, area.height / 4, area.width / 4);
    const top = clamp(area.top, row + 1 + room - area.height, row - room);
    const left = clamp(area.left, column + 1 + room - area.width, column - room);
    this.view([top + area.height / 2 - 0.5, left + area.width / 2 - 0.5], this.zoom);
  }

  private say(): void {
    const words = `Row ${this.lit[0]}, column ${this.lit[1]}`;
    if (words !== this.words) this.said.textContent = this.words = words;
  }
}

function helpText(options: PictureOptions): string {
  return [
    options.onMove && "Arrow keys move the light by one pixel, with Shift by ten. Home and End go to the ends of the row.",
    options.onPick && "Enter picks the pixel.",
    "Plus and minus zoom, 0 shows all.",
  ].filter(Boolean).join(" ");
}

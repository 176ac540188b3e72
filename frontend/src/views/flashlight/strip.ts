// The filters along a path: a strip of small pictures, and a scrubber that moves the light along it.

import { fill, h } from "../../core/dom.ts";
import { seenArea, type Place } from "../../core/geometry.ts";
import { count } from "../../core/words.ts";
import type { Look } from "./filter.ts";
import { fieldLimit, lookAt, paintField, reachOf, type Field } from "./paint.ts";
import type { Source } from "./sources.ts";

export interface StripActions {
  /** Move the light to a place of the path. */
  goTo(place: Place): void;
  clear(): void;
}

const SIDE = 72;
const STEP = 160; // milliseconds a place
const CALM_STEP = 1000;

export class Strip {
  private readonly scrubber = h("input", { type: "range", min: 0, max: 1, step: 1, "aria-label": "Place along the path", oninput: () => { this.stop(); this.choose(Number(this.scrubber.value)); } });
  private readonly playButton = h("button", { class: "button", type: "button", onclick: () => (this.timer ? this.stop() : this.play()) }, "Play");
  private readonly where = h("output", { class: "soft small num flash-where" });
  private readonly aside = h("span", { class: "soft" });
  private readonly list = h("ol", { class: "flash-film" });
  readonly element = h("section", { class: "panel flash-path", hidden: true },
    h("h3", { class: "panel-title" }, "Along the path ", this.aside),
    this.list,
    h("div", { class: "flash-play" }, this.playButton, this.scrubber, this.where,
      h("button", { class: "button quiet", type: "button", onclick: () => this.actions.clear() }, "Remove path")));
  private frames: { button: HTMLButtonElement; canvas: HTMLCanvasElement }[] = [];
  private path: Place[] = [];
  private fields: (Field | null)[] = [];
  private now = -1;
  private timer = 0;

  constructor(
    private readonly source: Pick<Source, "names">,
    private readonly actions: StripActions,
  ) {}

  set(path: Place[]): void {
    this.stop();
    this.path = path;
    this.fields = path.map(() => null);
    this.now = -1;
    this.element.hidden = path.length === 0;
    this.aside.textContent = `${count(path.length, "filter")}, on one scale`;
    this.scrubber.max = String(Math.max(1, path.length - 1));
    this.scrubber.value = "0";
    this.where.textContent = "";
    this.frames = path.map(([row, column], index) => {
      const canvas = h("canvas", { width: 1, height: 1, class: "flash-film-picture" });
      const label = `Place ${index + 1} of ${path.length}: row ${row}, column ${column}`;
      return { canvas, button: h("button", { type: "button", class: "flash-film-frame", "aria-label": label, title: `${row}, ${column}`, onclick: () => { this.stop(); this.choose(index); } }, canvas) };
    });
    fill(this.list, ...this.frames.map(({ button }) => h("li", null, button)));
  }

  got(index: number, field: Field): void {
    this.fields[index] = field;
  }

  show(look: Look): void {
    const fields = this.fields.filter((field) => field !== null);
    if (!fields.length) return;
    const names = this.source.names(fields[0]!.header.kind);
    const limit = Math.max(...fields.map((field) => fieldLimit(field, look.show, names))) / look.contrast;
    const reach = Math.max(...fields.map(reachOf));
    this.fields.forEach((field, index) => field && draw(this.frames[index]!.canvas, field, look, names, limit, reach));
  }

  /** Which place the light is at, if it is on the path. */
  at(row: number, column: number): void {
    const here = this.path[this.now];
    if (here?.[0] === row && here[1] === column) return;
    this.mark(this.path.findIndex((place) => place[0] === row && place[1] === column));
  }

  stop(): void {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = 0;
    this.playButton.textContent = "Play";
  }

  private play(): void {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.playButton.textContent = "Pause";
    let next = this.now >= 0 && this.now < this.path.length - 1 ? this.now + 1 : 0;
    const step = () => {
      if (next >= this.path.length) return this.stop();
      if (!this.fields[next]) return; // comes soon
      this.choose(next++);
    };
    this.timer = window.setInterval(step, calm ? CALM_STEP : STEP);
    step();
  }

  private choose(index: number): void {
    this.mark(index);
    this.actions.goTo(this.path[index]!);
  }

  private mark(index: number): void {
    this.frames[this.now]?.button.removeAttribute("aria-current");
    this.now = index;
    const frame = this.frames[index];
    if (!frame) {
      this.where.textContent = "";
      return;
    }
    frame.button.setAttribute("aria-current", "true");
    this.scrubber.value = String(index);
    this.where.textContent = `${index + 1} of ${this.path.length}`;
    // Scrolls the strip only, never the page.
    const { list } = this;
    const { offsetLeft, offsetWidth } = frame.button;
    if (offsetLeft < list.scrollLeft || offsetLeft + offsetWidth > list.scrollLeft + list.clientWidth) list.scrollLeft = offsetLeft - list.clientWidth / 2;
  }
}

function draw(canvas: HTMLCanvasElement, field: Field, look: Look, names: string[], limit: number, reach: number): void {
  const { image, place, ground } = paintField(field, look.show, names, limit, look.theme);
  // So small a picture shows something in a close-up only.
  const { centre, zoom } = lookAt(field.header, look.zoom === "whole" ? "whole" : "near", reach);
  const area = seenArea(field.header.shape[1], field.header.shape[2], centre, zoom);
  const side = SIDE * Math.min(2, devicePixelRatio || 1);
  const scale = side / area.height;
  canvas.height = Math.round(side);
  canvas.width = Math.round(area.width * scale);
  const source = h("canvas", { width: image.width, height: image.height });
  source.getContext("2d")!.putImageData(image, 0, 0);
  const context = canvas.getContext("2d")!;
  context.fillStyle = ground;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = scale < 1;
  context.drawImage(source, (place.left - area.left) * scale, (place.top - area.top) * scale, place.width * scale, place.height * scale);
}

// The two pictures: where the light is, and the filter under it.

import { PictureView } from "../core/canvas.ts";
import { theme, type Theme } from "../core/colour.ts";
import { h, fill } from "../core/dom.ts";
import { fileName, save } from "../core/download.ts";
import type { Place } from "../core/geometry.ts";
import { bicubicField } from "../views/flashlight/bicubic.ts";
import { segmented } from "../views/flashlight/controls.ts";
import { titleOf } from "../views/flashlight/facts.ts";
import { Legend } from "../views/flashlight/filter.ts";
import { fieldLimit, lookAt, outlines, paintField, reachOf, type Field, type Show, type Zoom } from "../views/flashlight/paint.ts";
import { Strip } from "../views/flashlight/strip.ts";
import { fieldOf } from "./describe.ts";
import { nearby, type About, type Filters } from "./page.ts";
import { Pins } from "./pins.ts";
import { facts } from "./words.ts";

export class Stage {
  readonly element: HTMLElement;
  private readonly given: PictureView;
  private readonly made: PictureView;
  private readonly names: string[];
  private readonly legend = new Legend();
  private readonly facts = h("dl", { class: "facts small" });
  private readonly problem = h("p", { class: "problem", role: "alert", hidden: true });
  private readonly title = h("h2", null, "\u00a0");
  private readonly pinButton = h("button", { class: "button", type: "button", onclick: () => void this.pin() }, "Pin");
  private readonly pins = new Pins(() => this.draw(), (row, column) => void this.go([row, column]));
  private readonly strip: Strip;
  private at: Place;
  private now: Field | null = null;
  private reach = 0;
  private show: Show = "sum";
  private zoom: Zoom = "window";
  private seen = "filter";
  private asked = 0;

  constructor(
    private readonly about: About,
    private readonly filters: Filters,
    private readonly pictures: { input: ImageData; output: ImageData },
  ) {
    const column = about.kind === "column";
    const [given, made] = column ? [about.input_shape, about.output_shape] : [about.output_shape, about.input_shape];
    const [givenName, madeName, filterName] = column ? ["Photo", "Output", "Column"] : ["Output", "Photo", "Row"];
    this.names = column ? about.output_channels : about.input_channels;
    this.at = nearby(about, about.light, about.light, false);
    this.strip = new Strip({ names: () => this.names }, { goTo: (place) => void this.go(place), clear: () => this.clear() });
    const left = h("section", { class: "side", "aria-label": givenName }, h("h2", null, `${givenName} `, h("span", { class: "soft num" }, `${given[2]} × ${given[1]} px`)));
    const right = h("section", { class: "side", "aria-label": `${filterName} of F` }, this.title);
    const every = about.stride === 1 ? "" : `, a filter every ${about.stride} pixels`;
    this.given = new PictureView(left, {
      label: `${givenName} with the light${every}`,
      height: given[1],
      width: given[2],
      onMove: (row, at, how) => void this.moved(row, at, how === "key"),
      onPick: () => void this.pin(),
    });
    this.made = new PictureView(right, { label: `${filterName} of F`, height: made[1], width: made[2] });
    this.given.image(column ? pictures.input : pictures.output);
    left.append(h("div", { class: "under" }, this.pinButton, h("span", { class: "soft small keys" }, "Keys + and − zoom, 0 shows all.")));
    right.append(h("div", { class: "under" }, this.legend.element));
    const zoom = segmented("Look at", [["window", "Window"], ["near", "Close-up"], ["whole", "Whole"]], (value) => this.set(() => (this.zoom = value as Zoom)));
    const show = segmented("Drawn as", [["sum", "Sum of channels"], ["colour", "Colours"]], (value) => this.set(() => (this.show = value)));
    const others = hasBicubic(about) ? [["bicubic", "Bicubic"] as const] : [];
    const seen = segmented("There", [["filter", filterName], ...others, ["picture", madeName]], (value) => this.set(() => (this.seen = value)));
    zoom.show(this.zoom);
    show.show(this.show);
    seen.show(this.seen);
    for (const { element } of [zoom, show, seen]) element.querySelector("legend")!.className = "visually-hidden";
    const toolbar = h("div", { class: "toolbar small" }, zoom.element, this.names.length === 3 && show.element, seen.element,
      h("button", { class: "button", type: "button", onclick: () => void this.save() }, "Save PNG"));
    this.element = h("main", null, toolbar, this.problem, h("div", { class: "sides" }, left, right), this.facts, this.pins.element, this.strip.element);
  }

  /** Show the first filter, then what was chosen beside it. */
  async begin(): Promise<void> {
    const { path, pins } = this.about;
    this.given.path(path);
    this.strip.set(path);
    await this.go(this.at);
    try {
      for (const place of pins) this.pins.toggle(await this.read(place));
      for (const [index, place] of path.entries()) this.strip.got(index, await this.read(place));
    } catch (error) {
      this.failed(error);
    }
    this.draw();
  }

  redraw(): void {
    this.draw();
  }

  private set(change: () => void): void {
    change();
    this.draw();
  }

  private async moved(row: number, column: number, byKey: boolean): Promise<void> {
    this.strip.stop();
    await this.go(nearby(this.about, this.at, [row, column], byKey));
  }

  private async go(place: Place): Promise<void> {
    const [row, column] = (this.at = place);
    this.given.light(row, column);
    this.strip.at(row, column);
    const asked = ++this.asked;
    if (this.now?.header.row === row && this.now.header.column === column) return;
    try {
      const field = await this.read(place);
      if (asked !== this.asked) return; // the light has moved on
      this.now = field;
      this.problem.hidden = true;
      this.draw();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Keep the filter of the place where the light is, even where its picture is still to come. */
  private async pin(): Promise<void> {
    try {
      this.pins.toggle(await this.read(this.at));
    } catch (error) {
      this.failed(error);
    }
  }

  private clear(): void {
    this.strip.set([]);
    this.given.path([]);
    this.given.element.focus({ preventScroll: true });
  }

  private async read([row, column]: Place): Promise<Field> {
    return fieldOf(this.about, row, column, await this.filters.at(row, column));
  }

  private failed(error: unknown): void {
    this.problem.textContent = error instanceof Error ? error.message : String(error);
    this.problem.hidden = false;
  }

  private draw(): void {
    const { now, about, pictures } = this;
    if (!now) return;
    const { kind, channel, row, column } = now.header;
    const other = this.seen === "bicubic" ? bicubicField(kind, about.input_shape, about.output_shape, channel, row, column) : null;
    const field = other ?? now;
    const { header } = field;
    this.reach = Math.max(this.reach, reachOf(now));
    const pinned = this.pins.list.map((pin) => pin.field);
    const limit = Math.max(...[now, field, ...pinned].map((one) => fieldLimit(one, this.show, this.names)));
    const { image, place, ground } = paintField(field, this.show, this.names, limit, theme());
    const { centre, zoom } = lookAt(header, this.zoom, this.reach);
    if (this.seen === "picture") this.made.image(about.kind === "column" ? pictures.output : pictures.input);
    else if (place.height && place.width) this.made.image(image, place, ground);
    this.made.boxes(outlines(field, false));
    this.made.view(centre, zoom);
    const said = `${titleOf(kind, row, column)}${other ? " · bicubic" : ""}`;
    this.title.textContent = said;
    const known = facts(about, field);
    this.made.describe(`${said}. ${known.slice(1, 4).map(({ name, text }) => `${name}: ${text}`).join("; ")}.`);
    fill(this.facts, ...known.map(({ name, text, meaning }) => h("div", { title: meaning }, h("dt", null, name), h("dd", { class: "num" }, text))));
    this.given.marks(this.pins.list.map(({ field: { header: pin }, tone }) => ({ row: pin.row, column: pin.column, tone, label: String(tone) })));
    this.strip.show({ show: this.show, zoom: this.zoom, circles: false, contrast: 1, theme: theme() });
    this.pins.draw(now, (one, canvas) => this.thumbnail(one, canvas, limit, theme()));
    this.pinButton.textContent = this.pins.has(now) ? "Unpin" : "Pin";
    this.legend.show(limit, limit, this.show, theme());
    this.legend.element.classList.toggle("off", this.seen === "picture");
    this.element.dataset["at"] = `${header.row},${header.column}`;
  }

  /** A filter around its point, pixel by pixel. */
  private thumbnail(field: Field, canvas: HTMLCanvasElement, limit: number, shown: Theme): void {
    const { image, place, ground } = paintField(field, this.show, this.names, limit, shown);
    const half = Math.min(this.reach, this.zoom === "near" ? field.header.near : Infinity, 40);
    const side = 2 * Math.ceil(half) + 1;
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d")!;
    context.fillStyle = ground;
    context.fillRect(0, 0, side, side);
    const [top, left] = field.header.point.map((middle) => Math.round(middle) - Math.ceil(half)) as [number, number];
    if (place.height && place.width) context.putImageData(image, place.left - left, place.top - top);
  }

  private async save(): Promise<void> {
    const { kind, model, photo } = this.about;
    if (!this.now) return;
    const { row, column } = this.now.header;
    const named = this.seen === "picture" ? [kind === "column" ? "output" : "photo"] : [kind, row, column];
    save(await this.made.png(), `${fileName(model, photo, ...(this.seen === "bicubic" ? ["bicubic"] : []), ...named)}.png`);
  }
}

/** Bicubic interpolation can stand for what makes an image larger, channel by channel. */
function hasBicubic({ input_shape, output_shape }: About): boolean {
  const scale = output_shape[1] / input_shape[1];
  return scale > 1 && output_shape[2] / input_shape[2] === scale && input_shape[0] === output_shape[0];
}

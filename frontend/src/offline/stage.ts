// The two pictures: where the light is, and the filter under it.

import { h, fill, newId } from "../core/dom.ts";
import { PictureView } from "../core/canvas.ts";
import { colourImage, gradient, overChannels, signedImage, table, theme, type Theme } from "../core/colour.ts";
import { fileName, save } from "../core/download.ts";
import { amount } from "../core/words.ts";
import type { Cut } from "./decode.ts";
import { energyLimit, match, numbers } from "./describe.ts";
import type { About, Filters } from "./page.ts";
import { Pins, type Pin } from "./pins.ts";
import { halfSide, stepped } from "./walk.ts";
import { facts } from "./words.ts";

type Colours = "signed" | "colour";
type Part = "near" | "whole";
type Seen = "filter" | "picture";

export class Stage {
  readonly element: HTMLElement;
  private readonly given: PictureView;
  private readonly made: PictureView;
  private readonly givenShape: [number, number, number];
  private readonly madeShape: [number, number, number];
  private readonly madeNames: string[];
  private readonly legend = h("div", { class: "legend" });
  private readonly facts = h("dl", { class: "facts" });
  private readonly problem = h("p", { class: "problem", role: "alert", hidden: true });
  private readonly pinButton = h("button", { class: "button", type: "button", onclick: () => this.pin() }, "Pin");
  private readonly pins = new Pins(() => this.draw(), (pin) => void this.go(pin.i, pin.j));
  private readonly title = h("h2");
  private i: number;
  private j: number;
  private now: Pin | null = null;
  private half = 0;
  private colours: Colours = "signed";
  private part: Part = "near";
  private seen: Seen = "filter";
  private asked = 0;

  constructor(
    private readonly about: About,
    private readonly filters: Filters,
    private readonly pictures: { input: ImageData; output: ImageData },
  ) {
    const column = about.kind === "column";
    [this.givenShape, this.madeShape] = column ? [about.input_shape, about.output_shape] : [about.output_shape, about.input_shape];
    this.madeNames = column ? about.output_channels : about.input_channels;
    this.i = about.rows.length >> 1;
    this.j = about.columns.length >> 1;
    const left = h("section", { class: "side", "aria-label": column ? "Photo" : "Output" },
      h("h2", null, column ? "Photo" : "Output", " ", h("span", { class: "soft" }, `${this.givenShape[2]} × ${this.givenShape[1]}`)));
    const right = h("section", { class: "side", "aria-label": column ? "Column of F" : "Row of F" }, this.title);
    const every = about.stride === 1 ? "" : `, every ${about.stride} pixels`;
    this.given = new PictureView(left, {
      label: `${column ? "Photo" : "Output"} with the light${every}`,
      height: this.givenShape[1],
      width: this.givenShape[2],
      onMove: (row, at, how) => void this.moved(row, at, how === "key"),
      onPick: () => this.pin(),
    });
    this.made = new PictureView(right, { label: column ? "Column of F" : "Row of F", height: this.madeShape[1], width: this.madeShape[2] });
    this.given.image(column ? pictures.input : pictures.output);
    left.append(h("div", { class: "under" }, this.pinButton, h("span", { class: "soft small keys" }, "Keys + and − zoom, 0 shows all.")));
    right.append(this.legend);
    const coloured = this.madeNames.length === 3;
    const toolbar = h("div", { class: "toolbar" },
      choice<Part>("Part", [["near", "Zoom"], ["whole", "Whole"]], this.part, (part) => ((this.part = part), this.draw())),
      coloured && choice<Colours>("Colours", [["signed", "Signed"], ["colour", "Colour"]], this.colours, (colours) => ((this.colours = colours), this.draw())),
      choice<Seen>("Shown", [["filter", column ? "Column" : "Row"], ["picture", column ? "Output" : "Photo"]], this.seen, (seen) => ((this.seen = seen), this.draw())),
      h("button", { class: "button", type: "button", onclick: () => void this.save() }, "Save PNG"));
    this.element = h("main", null, toolbar, this.problem, h("div", { class: "sides" }, left, right), this.facts, this.pins.element);
  }

  /** Show the filter of the middle. Its reach decides how near filters are looked at, so that walking does not zoom. */
  async begin(): Promise<void> {
    await this.go(this.i, this.j);
  }

  redraw(_theme: Theme): void {
    this.draw();
  }

  private async moved(row: number, column: number, byKey: boolean): Promise<void> {
    await this.go(stepped(this.about.rows, this.i, row, byKey), stepped(this.about.columns, this.j, column, byKey));
  }

  private async go(i: number, j: number): Promise<void> {
    const { rows, columns } = this.about;
    [this.i, this.j] = [i, j];
    const [row, column] = [rows[i]!, columns[j]!];
    this.given.light(row, column);
    if (this.now?.i === i && this.now.j === j) return;
    const asked = ++this.asked;
    try {
      const cut = await this.filters.at(i, j);
      if (asked !== this.asked) return; // the light has moved on
      const point: [number, number] = [match(row, this.givenShape[1], this.madeShape[1]), match(column, this.givenShape[2], this.madeShape[2])];
      this.now = { i, j, row, column, cut, point };
      this.problem.hidden = true;
      this.draw();
    } catch (error) {
      this.problem.textContent = error instanceof Error ? error.message : String(error);
      this.problem.hidden = false;
    }
  }

  private pin(): void {
    if (this.now) this.pins.toggle(this.now);
  }

  private draw(): void {
    const { now, about } = this;
    if (!now) return;
    const [height, width] = this.madeShape.slice(1) as [number, number];
    const area = areaOf(now.cut);
    const found = numbers(now.cut, now.point);
    if (!this.half) this.half = halfSide(area, now.point, found.radii["0.99"]);
    const zoom = this.part === "near" ? Math.max(1, Math.min(height, width) / (2 * this.half + 1)) : 1;
    const limit = Math.max(...[now, ...this.pins.list.map(({ pin }) => pin)].map((pin) => this.limit(pin.cut)));
    if (this.seen === "filter") this.made.image(this.coloured(now.cut, limit), area, this.ground());
    else this.made.image(about.kind === "column" ? this.pictures.output : this.pictures.input);
    this.made.boxes([{ ...area, tone: "window" }]);
    this.made.view(now.point, zoom);
    this.given.marks(this.pins.list.map(({ pin, tone }) => ({ row: pin.row, column: pin.column, tone, label: String(tone) })));
    this.pins.draw(now.cut, now.point, (pin, canvas) => this.thumbnail(pin, canvas, limit));
    const name = about.kind === "column" ? "Column" : "Row";
    fill(this.title, this.seen === "filter" ? `${name} of F` : about.kind === "column" ? "Output" : "Photo", " ", h("span", { class: "soft num" }, `at ${now.row}, ${now.column}`));
    this.made.describe(`${name} of F at row ${now.row}, column ${now.column}`);
    fill(this.facts, ...facts(about, now.row, now.column, now.cut, found).map(([label, value]) => h("div", null, h("dt", null, label), h("dd", { class: "num" }, value))));
    this.pinButton.textContent = this.pins.has(now.i, now.j) ? "Unpin" : "Pin";
    this.explain(limit);
  }

  private limit(cut: Cut): number {
    return energyLimit(this.shownColours() === "colour" ? cut.map.values : overChannels(cut.map).values);
  }

  private shownColours(): Colours {
    return this.madeNames.length === 3 ? this.colours : "signed";
  }

  private coloured(cut: Cut, limit: number): ImageData | null {
    const [, height, width] = cut.map.shape as [number, number, number];
    if (!height || !width) return new ImageData(1, 1);
    if (this.shownColours() === "colour") return colourImage(cut.map, this.madeNames, limit);
    return signedImage(overChannels(cut.map).values, height, width, limit, theme());
  }

  /** The colour of zero. */
  private ground(): string {
    if (this.shownColours() === "colour") return "rgb(128 128 128)";
    const colours = table(theme());
    const middle = 3 * ((colours.length / 3) >> 1);
    return `rgb(${colours[middle]} ${colours[middle + 1]} ${colours[middle + 2]})`;
  }

  /** A filter around its point, pixel by pixel. */
  private thumbnail(pin: Pin, canvas: HTMLCanvasElement, limit: number): void {
    const side = 2 * this.half + 1;
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d")!;
    context.fillStyle = this.ground();
    context.fillRect(0, 0, side, side);
    const image = this.coloured(pin.cut, limit);
    const [top, left] = [Math.round(pin.point[0]) - this.half, Math.round(pin.point[1]) - this.half];
    if (image) context.putImageData(image, pin.cut.left - left, pin.cut.top - top);
  }

  private explain(limit: number): void {
    const signed = this.shownColours() === "signed";
    const bar = h("span", { class: "bar" });
    bar.style.backgroundImage = signed ? gradient(theme()) : "linear-gradient(to right, #000, #808080, #fff)";
    fill(this.legend, h("span", { class: "num" }, `−${amount(limit)}`), bar, h("span", { class: "num" }, `+${amount(limit)}`),
      h("span", { class: "soft" }, signed ? (this.madeNames.length > 1 ? "sum of the channels" : "value") : "each channel by itself"));
    this.legend.classList.toggle("off", this.seen === "picture");
  }

  private async save(): Promise<void> {
    const { kind, model, photo } = this.about;
    if (this.now) save(await this.made.png(), `${fileName(kind, model, photo, this.now.row, this.now.column)}.png`);
  }
}

function areaOf(cut: Cut): { top: number; left: number; height: number; width: number } {
  return { top: cut.top, left: cut.left, height: cut.map.shape[1]!, width: cut.map.shape[2]! };
}

/** A few values of which one holds, as one strip. */
function choice<T extends string>(label: string, values: [T, string][], chosen: T, change: (value: T) => void): HTMLElement {
  const name = newId("choice");
  return h("fieldset", { class: "segmented" },
    h("legend", { class: "visually-hidden" }, label),
    ...values.map(([value, text]) => h("label", null,
      h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => change(value) }),
      h("span", null, text))));
}

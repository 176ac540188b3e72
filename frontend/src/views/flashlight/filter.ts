// A filter as it is shown: its picture, the scale, what is measured on it.

import { PictureView } from "../../core/canvas.ts";
import { gradient, type Theme } from "../../core/colour.ts";
import { h } from "../../core/dom.ts";
import type { FieldKind } from "../../core/types.ts";
import { amount, signed } from "../../core/words.ts";
import { factsOf } from "./facts.ts";
import { fieldLimit, lookAt, outlines, paintField, reachOf, valueAt, type Field, type Show, type Zoom } from "./paint.ts";
import type { Source } from "./sources.ts";

/** How all filters are drawn. */
export interface Look {
  show: Show;
  zoom: Zoom;
  circles: boolean;
  contrast: number;
  theme: Theme;
}

/** Holds the place of the facts that come. */
const NOTHING: Field = {
  header: {
    kind: "column", channel: null, row: 0, column: 0, shape: [1, 0, 0], start: [0, 0, 0], point: [0, 0], energy: 0, radii: { "0.5": 0, "0.9": 0, "0.99": 0 },
    centroid: [0, 0], orientation: null, frequency: null, far: 0, near: 16, seconds: 0,
  },
  values: { shape: [1, 0, 0], values: new Float32Array() },
};

/** The scale with its ends: signed colours, or grey to colours. */
export class Legend {
  private readonly bar = h("div", { class: "bar" });
  private readonly ends = [h("span", null, "\u00a0"), h("span"), h("span")];
  private ground = "";
  readonly element = h("div", { class: "legend", role: "img", "aria-label": "Colours" }, this.bar, ...this.ends);

  /** `most` is the largest size that is drawn: beyond the limit all has the full colour, and the ends say so. */
  show(limit: number, most: number, show: Show, theme: Theme): void {
    const cut = most > 1.001 * limit;
    const words = [`${cut ? "≤ " : ""}${amount(-limit)}`, "0", `${cut ? "≥ " : ""}+${amount(limit)}`];
    this.ends.forEach((end, i) => write(end, words[i]!));
    const ground = show === "colour" ? "linear-gradient(to right, #000, #808080, #fff)" : gradient(theme);
    if (ground !== this.ground) this.bar.style.background = this.ground = ground;
    this.element.setAttribute("aria-label", `Scale from ${words[0]} to ${words[2]}`);
  }
}

/** What is measured on a filter, each by its name; only some where they are named by how they begin. */
export class FactsList {
  private readonly rows: { name: HTMLElement; text: HTMLElement }[] = [];
  readonly element: HTMLElement;

  constructor(private readonly only?: string[]) {
    this.element = h("dl", { class: only ? "facts small flash-facts few" : "facts flash-facts" });
    for (const { meaning } of this.facts(NOTHING)) {
      const row = { name: h("dt"), text: h("dd", { class: "num" }) };
      this.rows.push(row);
      this.element.append(h("div", { title: meaning }, row.name, row.text));
    }
    this.show(NOTHING);
  }

  /** Writes only what has changed: this is done at every move of the light. */
  show(field: Field = NOTHING): void {
    this.facts(field).forEach(({ name, text }, i) => {
      write(this.rows[i]!.name, name);
      write(this.rows[i]!.text, text);
    });
  }

  private facts(field: Field) {
    return factsOf(field).filter(({ name }) => !this.only || this.only.some((begin) => name.startsWith(begin)));
  }
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export class FilterFigure {
  private readonly name = h("span");
  private readonly size = h("span", { class: "soft num" });
  private readonly busyLine = h("div", { class: "progress indeterminate flash-busy", "aria-hidden": "true" }, h("div"));
  private readonly frame = h("div", { class: "flash-frame" });
  private readonly value = h("span", { class: "soft small num flash-value" });
  private readonly legend = new Legend();
  readonly facts = new FactsList();
  readonly picture: PictureView;
  readonly element: HTMLElement;
  private source: Source | null = null;
  private kind: FieldKind = "column";
  /** The largest reach of the windows that were shown. */
  reach = 0;
  private field: Field | null = null;
  private look: Look | null = null;
  private pointer: [number, number] | null = null;
  private timer = 0;

  constructor(label: string) {
    this.element = h("figure", { class: "flash-filter" },
      h("figcaption", { class: "flash-name" }, this.name, this.size),
      this.frame, this.busyLine,
      h("div", { class: "flash-scale" }, this.legend.element, this.value));
    this.picture = new PictureView(this.frame, { label, height: 1, width: 1 });
    this.picture.element.addEventListener("pointermove", (event) => this.over(event));
    this.picture.element.addEventListener("pointerleave", () => this.over(null));
  }

  /** Whose filters come now, and of which kind. */
  from(source: Source, kind: FieldKind): void {
    if (this.source?.id === source.id && this.kind === kind) return;
    [this.source, this.kind, this.reach, this.field] = [source, kind, 0, null];
    const [, height, width] = source.shape(kind);
    this.picture.resize(height, width, source.title);
    this.name.textContent = source.title;
    this.size.textContent = `${width} × ${height} px`;
    this.facts.show();
  }

  /** The network is still being captured. */
  waiting(title: string): void {
    this.name.textContent = `${title} is being captured`;
    this.busy(true);
  }

  show(field: Field, look: Look & { limit: number }, title: string, reach = 0): void {
    const source = this.source!;
    [this.field, this.look] = [field, look];
    this.reach = Math.max(this.reach, reachOf(field));
    const names = source.names(this.kind);
    const { image, place, ground } = paintField(field, look.show, names, look.limit, look.theme);
    const { centre, zoom } = lookAt(field.header, look.zoom, Math.max(this.reach, reach));
    this.picture.image(image, place, ground);
    this.picture.boxes(outlines(field, look.circles));
    this.picture.view(centre, zoom);
    this.picture.describe(`${title}, ${source.title}. ${factsOf(field).slice(0, 3).map((fact) => `${fact.name}: ${fact.text}`).join("; ")}.`);
    this.element.dataset["at"] = [field.header.kind, field.header.channel ?? "all", field.header.row, field.header.column].join(",");
    this.element.dataset["limit"] = String(look.limit);
    this.legend.show(look.limit, fieldLimit(field, look.show, names), look.show, look.theme);
    this.facts.show(field);
    this.tell();
  }

  /** Shown after a moment only: most filters are there before it. */
  busy(on: boolean): void {
    clearTimeout(this.timer);
    if (on) this.timer = window.setTimeout(() => this.busyLine.classList.add("on"), 250);
    else this.busyLine.classList.remove("on");
  }

  destroy(): void {
    clearTimeout(this.timer);
    this.picture.destroy();
  }

  private over(event: PointerEvent | null): void {
    this.pointer = event && this.picture.placeOf(event);
    this.tell();
  }

  /** The value under the pointer. */
  private tell(): void {
    const { field, look, pointer, source } = this;
    let text = "";
    if (field && look && pointer && source) {
      const value = valueAt(field, look.show, source.names(this.kind), ...pointer);
      text = `${pointer.join(", ")}: ${value === null ? "outside" : signed(value)}`;
    }
    write(this.value, text);
  }
}

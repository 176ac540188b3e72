// How alike the maps are: the rank correlation of every two.

import { table, theme } from "../../core/colour.ts";
import { fill, h } from "../../core/dom.ts";
import { Legend } from "../../core/figures.ts";
import { count } from "../../core/words.ts";
import { csv, capital } from "./words.ts";

export interface Agreement {
  methods: string[];
  titles: string[];
  values: (number | null)[][];
  /** How many methods were asked. */
  asked: number;
}

/** Twice the rank of every value, from 0; equal values share their mean rank. */
function ranks(values: Float32Array): Float64Array {
  const sorted = values.slice().sort();
  const below = (value: number, equal: boolean) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < value || (equal && sorted[middle] === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return Float64Array.from(values, (value) => below(value, false) + below(value, true) - 1);
}

/** Spearman's rank correlation of every two maps of one size; null where a map is constant. */
export function rankCorrelation(maps: Float32Array[]): (number | null)[][] {
  // Less their mean: the ranks from 0 to n - 1, twice.
  const centred = maps.map((map) => ranks(map).map((rank) => rank - (map.length - 1)));
  const lengths = centred.map((one) => Math.sqrt(dot(one, one)));
  const values = maps.map(() => Array<number | null>(maps.length).fill(null));
  for (let i = 0; i < maps.length; i++) {
    for (let j = 0; j <= i; j++) {
      if (lengths[i] && lengths[j]) values[i]![j] = values[j]![i] = dot(centred[i]!, centred[j]!) / (lengths[i]! * lengths[j]!);
    }
  }
  return values;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The colour of a value from −1 to 1, and ink that can be read on it. */
export function cellColours(value: number, colours: Uint8ClampedArray): { ground: string; ink: string } {
  const steps = colours.length / 3 - 1;
  const at = 3 * Math.round(((Math.max(-1, Math.min(1, value)) + 1) / 2) * steps);
  const [r, g, b] = [colours[at]!, colours[at + 1]!, colours[at + 2]!];
  const linear = (c: number) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return { ground: `rgb(${r} ${g} ${b})`, ink: (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000000" : "#ffffff" };
}

export function written(value: number | null): string {
  if (value === null) return "–";
  const text = Math.abs(value).toFixed(2);
  return value < 0 && text !== "0.00" ? `−${text}` : text;
}

export class AgreementPanel {
  readonly element: HTMLElement;
  private readonly body = h("div", { class: "dims agreement-body" });
  private found: Agreement | null = null;

  constructor() {
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Agreement" },
      h("h2", { class: "panel-title" }, "Agreement", h("span", { class: "soft small" }, "Rank correlation of every two heat maps as they are drawn (the positive part or the size, as each card says), not of the signed values: 1 is the same order of pixels, 0 none, −1 the reverse.")),
      this.body,
    );
    fill(this.body, h("p", { class: "empty" }, "Comes when all methods have answered."));
  }

  waiting(on: boolean): void {
    if (on && this.found) this.body.setAttribute("aria-busy", "true");
    else this.body.removeAttribute("aria-busy");
  }

  show(found: Agreement): void {
    this.found = found;
    this.waiting(false);
    if (found.methods.length < 2) {
      this.found = null;
      fill(this.body, h("p", { class: "empty" }, `Two maps at least are needed. ${found.asked < 2 ? "Choose another method." : "Ask again, or choose other methods."}`));
      return;
    }
    this.draw();
  }

  draw(): void {
    if (!this.found) return;
    const { titles, values, asked } = this.found;
    const colours = table(theme());
    const legend = new Legend(1);
    fill(
      this.body,
      titles.length < asked ? h("p", { class: "small" }, `Of ${titles.length} of ${count(asked, "method")}: the others have no map.`) : null,
      h(
        "div",
        { class: "table agreement", tabindex: "0", role: "region", "aria-label": "Rank correlations" },
        h(
          "table",
          null,
          h("caption", { class: "visually-hidden" }, "Rank correlation of every two maps"),
          h("thead", null, h("tr", null, h("th", { scope: "col" }, "Method"), ...titles.map((title, i) => h("th", { scope: "col", class: "num", title: capital(title) }, String(i + 1), h("span", { class: "visually-hidden" }, ` ${title}`))))),
          h(
            "tbody",
            null,
            ...values.map((row, i) =>
              h(
                "tr",
                null,
                h("th", { scope: "row" }, h("span", { class: "num soft" }, `${i + 1} `), capital(titles[i]!)),
                ...row.map((value) => {
                  const cell = h("td", { class: "num" }, written(value));
                  if (value !== null) {
                    const { ground, ink } = cellColours(value, colours);
                    cell.style.background = ground;
                    cell.style.color = ink;
                  }
                  return cell;
                }),
              ),
            ),
          ),
        ),
      ),
      legend.element,
    );
  }

  get ready(): boolean {
    return this.found !== null;
  }

  csv(): string {
    const found = this.found!;
    return csv([["method", ...found.methods], ...found.values.map((row, i) => [found.methods[i]!, ...row.map((value) => value && Number(value.toPrecision(12)))])]);
  }
}

// Filters kept beside the light: up to four, each with its picture, its place and how like the light's it is.

import type { Field } from "../views/flashlight/paint.ts";
import { similarity } from "./describe.ts";
import { h, fill } from "../core/dom.ts";
import { amount } from "../core/words.ts";

export const MOST = 4;
export type Tone = 1 | 2 | 3 | 4;

interface Pin {
  field: Field;
  tone: Tone;
  canvas: HTMLCanvasElement;
  like: HTMLElement;
}

export class Pins {
  readonly element = h("section", { class: "pins", "aria-label": "Pinned" });
  private shown: Pin[] = [];

  constructor(
    private readonly changed: () => void,
    private readonly goTo: (row: number, column: number) => void,
  ) {
    this.build();
  }

  get list(): { field: Field; tone: Tone }[] {
    return this.shown;
  }

  /** Keep one; the oldest goes where four are kept already; one that is kept goes. */
  toggle(field: Field): void {
    const { row, column } = field.header;
    const same = this.shown.find((one) => one.field.header.row === row && one.field.header.column === column);
    if (same) {
      this.remove(same);
      return;
    }
    if (this.shown.length === MOST) this.shown.shift();
    const tone = ([1, 2, 3, 4] as const).find((free) => !this.shown.some((one) => one.tone === free))!;
    this.shown.push({ field, tone, canvas: h("canvas", { class: "pixels", "aria-hidden": "true" }), like: h("span", { class: "num" }) });
    this.build();
    this.changed();
  }

  has({ header: { row, column } }: Field): boolean {
    return this.shown.some(({ field: { header } }) => header.row === row && header.column === column);
  }

  /** Draw all of them and compare them with the filter under the light. */
  draw(field: Field, paint: (field: Field, canvas: HTMLCanvasElement) => void): void {
    for (const { field: pinned, canvas, like } of this.shown) {
      paint(pinned, canvas);
      const cosine = similarity(field, pinned);
      like.textContent = cosine === null ? "–" : amount(Math.abs(cosine) < 5e-4 ? 0 : Math.round(1000 * cosine) / 1000);
    }
  }

  private remove(one: Pin): void {
    const at = this.shown.indexOf(one);
    this.shown = this.shown.filter((other) => other !== one);
    this.build();
    this.element.querySelectorAll<HTMLButtonElement>("button.pin-go")[Math.min(at, this.shown.length - 1)]?.focus();
    this.changed();
  }

  private build(): void {
    if (!this.shown.length) {
      fill(this.element, h("p", { class: "empty" }, "Click a pixel, or press Enter, to pin it here and compare. Up to four."));
      return;
    }
    fill(this.element, ...this.shown.map((one) => {
      const { field, tone, canvas, like } = one;
      const { row, column } = field.header;
      return h("div", { class: `pin tone-${tone}` },
        h("button", { class: "pin-go", type: "button", "aria-label": `Move the light to row ${row}, column ${column}`, onclick: () => this.goTo(row, column) }, canvas),
        h("div", { class: "pin-words" },
          h("span", null, h("b", null, String(tone)), " ", h("span", { class: "num" }, `${row}, ${column}`)),
          h("span", { class: "soft" }, "cosine ", like)),
        h("button", { class: "button quiet square pin-close", type: "button", "aria-label": `Remove pin ${tone}`, onclick: () => this.remove(one) }, "×"));
    }));
  }
}

// A map as a picture on the page, and its legend.

import { canvasBlob } from "./download.ts";
import { h, newId } from "./dom.ts";
import type { Raster } from "./overlay.ts";
import { amount } from "./words.ts";

/** A picture drawn pixel by pixel, whose place is kept before there is one. */
export class PixelCanvas {
  readonly canvas: HTMLCanvasElement;
  drawn = false;

  constructor(label: string, height: number, width: number) {
    this.canvas = h("canvas", { class: "pixels", role: "img", "aria-label": label });
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.style.aspectRatio = `${width} / ${height}`;
    // A few pixels enlarged stay squares; many are smoothed where they are made smaller.
    if (width > 200) this.canvas.style.imageRendering = "auto";
  }

  label(text: string): void {
    this.canvas.setAttribute("aria-label", text);
  }

  draw(raster: Raster): void {
    if (this.canvas.width !== raster.width || this.canvas.height !== raster.height) {
      this.canvas.width = raster.width;
      this.canvas.height = raster.height;
      this.canvas.style.aspectRatio = `${raster.width} / ${raster.height}`;
    }
    const image = this.canvas.getContext("2d")!.createImageData(raster.width, raster.height);
    image.data.set(raster.data);
    this.canvas.getContext("2d")!.putImageData(image, 0, 0);
    this.drawn = true;
  }

  clear(): void {
    this.canvas.getContext("2d")!.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.drawn = false;
  }

  png(): Promise<Blob> {
    return canvasBlob(this.canvas);
  }
}

/** The scale from −limit to limit, or from 0 (`half`), that says what the colours of a map are. */
export class Legend {
  readonly element: HTMLElement;
  private readonly ends = [h("span"), h("span"), h("span")] as const;

  constructor(limit: number | null, half = false) {
    this.element = h("div", { class: "legend", role: "img" }, h("div", { class: "bar" }), ...this.ends);
    this.show(limit, half);
  }

  /** `null` while the limit is not known yet: the place stays. `drawn` are the values: the ends say where some lie beyond. */
  show(limit: number | null, half = false, drawn?: Float32Array): void {
    this.element.classList.toggle("half", half);
    const end = limit === null ? "\u00a0" : amount(limit, 2);
    const [low, middle, high] = this.ends;
    const beyond = limit !== null && drawn?.some((value) => Math.abs(value) > 1.001 * limit);
    const [least, most] = beyond ? ["≤ ", "≥ "] : ["", ""];
    low.textContent = limit === null ? end : half ? "0" : `${least}−${end}`;
    middle.textContent = half || limit === null ? "" : "0";
    high.textContent = limit === null ? "" : half ? `${most}${end}` : `${most}+${end}`;
    const said = half ? `Colours from 0 to ${end}` : `Colours from −${end}, blue, over 0 to +${end}, red`;
    this.element.setAttribute("aria-label", limit === null ? "Colours" : said);
  }
}

/** A slider with its value beside its name. `input` is called while it moves, `change` when it is let go. */
export function slider(
  name: string,
  range: { min: number; max: number; step: number; value: number },
  say: (value: number) => string,
  input: (value: number) => void,
  change?: (value: number) => void,
): { element: HTMLElement; set(value: number): void } {
  const output = h("output", null, say(range.value));
  // Named by `for`: a label without it would be that of the output, which comes first.
  const id = newId("slider");
  const field = h("input", { type: "range", id, "aria-label": name, min: range.min, max: range.max, step: range.step, "aria-valuetext": say(range.value) });
  const show = (value: number) => {
    output.textContent = say(value);
    field.setAttribute("aria-valuetext", say(value));
  };
  field.value = String(range.value);
  field.oninput = () => {
    show(Number(field.value));
    input(Number(field.value));
  };
  field.onchange = () => change?.(Number(field.value));
  const set = (value: number) => {
    field.value = String(value);
    show(value);
  };
  return { element: h("label", { class: "control slider", for: id }, h("span", null, name, output), field), set };
}

/** A choice of one of a few, as a strip of radio buttons. */
export class Segmented<T extends string> {
  readonly element: HTMLFieldSetElement;
  private inputs: HTMLInputElement[] = [];

  constructor(
    private readonly legend: string,
    private readonly group: string,
    private readonly pick: (value: T) => void,
    private readonly hidden = true,
  ) {
    this.element = h("fieldset", { class: "segmented" });
  }

  /** The choices: value, text, and what stands before the text. Keeps the focus where it was. */
  fill(choices: { value: T; text: string; tone?: number; disabled?: boolean }[], chosen: T): void {
    const focused = this.inputs.find((input) => input === document.activeElement)?.value;
    this.inputs = choices.map(({ value, disabled }) =>
      h("input", { type: "radio", name: this.group, value, checked: value === chosen, disabled, onchange: () => this.pick(value) }),
    );
    this.element.replaceChildren(
      h("legend", { class: this.hidden ? "visually-hidden" : null }, this.legend),
      ...choices.map(({ text, tone }, i) =>
        h("label", null, this.inputs[i]!, tone ? h("span", { class: "swatch", "data-tone": tone }) : null, h("span", null, text)),
      ),
    );
    if (focused !== undefined) (this.inputs.find((input) => input.value === focused) ?? this.inputs.find((input) => input.checked))?.focus();
  }

  set(value: T): void {
    for (const input of this.inputs) input.checked = input.value === value;
  }
}

// One card for each singular triplet: what F amplifies, what comes out, and the numbers. Cards stand before they are filled.

import { fill, h } from "../../core/dom.ts";
import type { Picture } from "../../core/packet.ts";
import type { Subject } from "../../core/types.ts";
import { amount, signed } from "../../core/words.ts";
import { closeUp, type Area } from "./arithmetic.ts";
import { draw, put } from "./pictures.ts";
import type { Pair } from "./search.ts";
import { gain, share as shareOf } from "./sentences.ts";

export interface Look {
  shown: "signed" | "colour";
  part: "whole" | "near";
}

const FACTS = ["residual", "⟨v, x⟩", "share of F x"] as const;

class Side {
  readonly canvas: HTMLCanvasElement;
  readonly caption = h("figcaption", null, " ");
  readonly root: HTMLElement;

  constructor(
    readonly title: string,
    private readonly height: number,
    private readonly width: number,
    private readonly channels: string[],
  ) {
    this.canvas = h("canvas", { class: "pixels", role: "img", "aria-label": `${title}, not here yet`, width, height });
    this.root = h("figure", { class: "figure" }, this.canvas, this.caption);
  }

  show(map: Picture<Float32Array>, look: Look, area: Area | null): ImageData {
    const { image, limit } = draw(map, this.channels, look.shown, area);
    put(this.canvas, image);
    const where = area ? `, rows ${area.top}–${area.top + area.height - 1}, columns ${area.left}–${area.left + area.width - 1}` : "";
    fill(this.caption, h("strong", null, this.title), ` full colour at ±${amount(limit, 2)}${where}`);
    this.canvas.setAttribute("aria-label", `${this.title}, ${look.shown === "signed" ? "summed over channels, red above zero, blue below" : "channels around grey"}${where}`);
    return image;
  }

  empty(): void {
    this.canvas.width = this.width;
    this.canvas.height = this.height;
    this.canvas.setAttribute("aria-label", `${this.title}, not here yet`);
    fill(this.caption, h("strong", null, this.title), " …");
  }
}

/** A small frame for the picture, with what is shown of it filled. */
class Place {
  private readonly part = h("div");
  readonly root = h("dd", { class: "spectrum-place" }, this.part);

  constructor(
    private readonly height: number,
    private readonly width: number,
  ) {
    this.root.style.aspectRatio = `${width} / ${height}`;
  }

  show(area: Area | null): void {
    this.root.classList.toggle("whole", area === null);
    const { top, left, height, width } = area ?? { top: 0, left: 0, height: this.height, width: this.width };
    const sides = { top: top / this.height, left: left / this.width, height: height / this.height, width: width / this.width };
    for (const [side, share] of Object.entries(sides)) this.part.style.setProperty(side, `${100 * share}%`);
    this.root.setAttribute("aria-label", area ? `rows ${top} to ${top + height - 1}, columns ${left} to ${left + width - 1}` : "the whole picture");
  }
}

export class Card {
  readonly root: HTMLElement;
  /** The two pictures as they are shown. */
  images: ImageData[] = [];
  private readonly value = h("span", { class: "num" });
  private readonly state = h("span", { class: "soft small" });
  private readonly numbers = FACTS.map(() => h("dd", { class: "num" }, "–"));
  private readonly problem = h("p", { class: "small spectrum-bad", hidden: true });
  private readonly place: Place;
  private readonly input: Side;
  private readonly output: Side;

  constructor(index: number, subject: Subject) {
    const [, height, width] = subject.input_shape as [number, number, number];
    const [, tall, wide] = subject.output_shape as [number, number, number];
    this.input = new Side("Eigen-input", height, width, subject.input_channels);
    this.output = new Side("Eigen-output", tall, wide, subject.output_channels);
    this.place = new Place(height, width);
    this.root = h(
      "li",
      { class: "panel spectrum-pair" },
      h("h3", { class: "panel-title" }, `Pair ${index + 1}`, this.value, this.state),
      h("div", { class: "spectrum-sides" }, this.input.root, this.output.root),
      h("dl", { class: "facts small" }, ...FACTS.map((name, i) => h("div", null, h("dt", null, name), this.numbers[i]!)), h("div", { class: "spectrum-where" }, h("dt", null, "shown"), this.place.root)),
      this.problem,
    );
    this.show(null, { shown: "signed", part: "near" }, null);
  }

  /** `share` is null while it is not known. */
  show(pair: Pair | null, look: Look, share: number | null): void {
    this.root.classList.toggle("spectrum-waiting", !pair?.vectors);
    fill(this.value, pair ? `s = ${gain(pair.triplet.value)}` : "");
    fill(this.state, pair ? (pair.converged ? "" : "not converged") : "to come");
    const said = pair ? [amount(pair.triplet.residual, 2), signed(pair.triplet.coefficient), share === null ? "–" : shareOf(share)] : ["–", "–", "–"];
    said.forEach((text, i) => fill(this.numbers[i]!, text));
    this.problem.hidden = !pair?.problem;
    fill(this.problem, pair?.problem ?? "");
    if (!pair?.vectors) {
      this.images = [];
      this.input.empty();
      this.output.empty();
      this.place.show(null);
      return;
    }
    const { input, output } = pair.vectors;
    const close = look.part === "near" ? closeUp(input, output) : null;
    this.place.show(close?.input ?? null);
    this.images = [this.input.show(input, look, close?.input ?? null), this.output.show(output, look, close?.output ?? null)];
  }
}

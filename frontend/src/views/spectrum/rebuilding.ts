// The output put together again from the first k triplets, beside what the network makes, and what is still missing.

import { colourImage, limitOf, pixelImage, signedImage, theme } from "../../core/colour.ts";
import { fill, h, newId } from "../../core/dom.ts";
import type { Picture } from "../../core/packet.ts";
import type { Subject } from "../../core/types.ts";
import { amount } from "../../core/words.ts";
import { difference, energy, magnification, meanOverChannels, psnr, rebuild, relativeError, spans, type Part } from "./arithmetic.ts";
import { put } from "./pictures.ts";
import { missing, share as shareOf, weightSentence } from "./sentences.ts";

export class Rebuilding {
  readonly root: HTMLElement;
  /** The rebuilt output as it is shown, and from how many triplets. */
  image: ImageData | null = null;
  first = 0;
  private y: Picture<Float32Array> | null = null;
  private residual: Float32Array | null = null;
  private parts: Part[] = [];
  private shown: "signed" | "colour" = "signed";
  private readonly slider: HTMLInputElement;
  private readonly number = h("output");
  private readonly canvases: HTMLCanvasElement[];
  private readonly captions: HTMLElement[];
  private readonly error = h("dd", { class: "num" }, "–");
  private readonly quality = h("dd", { class: "num" }, "–");
  private readonly explained = h("dd", { class: "num" }, "–");
  private readonly meaning = h("p", { class: "small soft spectrum-meaning" });
  private readonly problem = h("div", { class: "problem", role: "alert", hidden: true });

  constructor(
    private readonly subject: Subject,
    output: ImageData | null,
    moved: (first: number) => void,
  ) {
    const [, height, width] = subject.output_shape as [number, number, number];
    // Named by `for`: a label without it would be that of the output, which comes first.
    const id = newId("rebuild");
    this.slider = h("input", { type: "range", id, min: 0, max: 0, step: 1, value: "0", disabled: true, oninput: () => moved(this.slider.valueAsNumber) });
    const names = ["The network’s output", "The rebuilt output", "What is missing"];
    this.canvases = names.map((name) => h("canvas", { class: "pixels", role: "img", "aria-label": name, width, height }));
    this.captions = names.map((name) => h("figcaption", null, h("strong", null, name), " "));
    if (output) put(this.canvases[0]!, output);
    fill(this.captions[0]!, h("strong", null, names[0]!), " y = F x + r");
    const fact = (name: string, value: HTMLElement) => h("div", null, h("dt", null, name), value);
    this.root = h(
      "section",
      { class: "panel" },
      h("h2", { class: "panel-title" }, "Rebuild", h("span", { class: "soft small" }, "yₖ = r + Σ sᵢ ⟨vᵢ, x⟩ uᵢ: the residual and the first k pairs")),
      h(
        "div",
        { class: "spectrum-rebuild" },
        h("label", { class: "control", for: id }, h("span", null, "Rebuild the output from the first k ", this.number), this.slider),
        h("dl", { class: "facts" }, fact("relative error |y − yₖ| ÷ |y|", this.error), fact("PSNR", this.quality), fact("share of F x", this.explained)),
      ),
      this.meaning,
      this.problem,
      h("div", { class: "spectrum-three" }, ...this.canvases.map((canvas, i) => h("figure", { class: "figure" }, canvas, this.captions[i]!))),
    );
  }

  /** The output and the residual, in the model's units. */
  given(y: Picture<Float32Array>, residual: Picture<Float32Array>): void {
    this.y = y;
    this.residual = residual.values;
    const { output_channels, output_lower, output_upper } = this.subject;
    put(this.canvases[0]!, pixelImage(y, output_channels, output_lower, output_upper));
    this.draw();
  }

  failed(message: string): void {
    this.problem.hidden = false;
    fill(this.problem, h("p", null, message));
  }

  /** The share of the energy of F x = y − r that a part makes; the shares of all parts sum to one. Null while y is not here. */
  share(part: { value: number; coefficient: number }): number | null {
    if (!this.y || !this.residual) return null;
    const whole = energy(this.y.values, this.residual);
    return whole > 0 ? (part.value * part.coefficient) ** 2 / whole : 0;
  }

  show(parts: Part[], first: number, shown: "signed" | "colour"): void {
    this.parts = parts;
    this.first = Math.min(first, parts.length);
    this.shown = shown;
    this.slider.max = String(parts.length);
    this.slider.disabled = parts.length === 0;
    this.slider.value = String(this.first);
    this.slider.setAttribute("aria-valuetext", this.first === 0 ? "the residual alone" : `${this.first} of ${parts.length} pairs`);
    fill(this.number, `${this.first} of ${parts.length}`);
    this.draw();
  }

  draw(): void {
    const { y, residual, first, subject } = this;
    if (!y || !residual) return;
    const used = this.parts.slice(0, first);
    const values = rebuild(residual, used);
    const { output_channels: channels, output_lower: lower, output_upper: upper } = subject;
    this.image = pixelImage({ shape: y.shape, values }, channels, lower, upper);
    put(this.canvases[1]!, this.image);
    const from = first === 0 ? " the residual r alone" : ` from the residual and ${first === 1 ? "the first pair" : `the first ${first} pairs`}`;
    fill(this.captions[1]!, h("strong", null, "The rebuilt output"), from);

    const missed = difference(y, values, spans(lower, upper));
    const [, height, width] = y.shape as [number, number, number];
    const mean = meanOverChannels(missed);
    const factor = magnification(limitOf(this.shown === "signed" ? mean : missed.values));
    const image = this.shown === "signed" ? signedImage(mean, height, width, 1 / factor, theme()) : colourImage(missed, channels, 1 / factor);
    put(this.canvases[2]!, image);
    const how = this.shown === "signed" ? "mean over channels, red where the output is brighter, blue where it is darker" : "each channel around grey, brighter where the output is brighter";
    const size = factor === 1 ? "not magnified" : `magnified ${factor} times`;
    fill(this.captions[2]!, h("strong", null, "What is missing"), ` output − rebuilt, ${size}: full colour at ±${amount(255 / factor)} of 255 levels; ${how}`);
    this.canvases[1]!.setAttribute("aria-label", `The rebuilt output,${from}`);
    this.canvases[2]!.setAttribute("aria-label", `What is missing: output minus rebuilt, ${size}; ${how}`);

    fill(this.error, missing(relativeError(y.values, values)));
    const ratio = psnr(missed.values);
    fill(this.quality, Number.isFinite(ratio) ? `${ratio.toFixed(1).replace("-", "−")} dB` : "∞");
    const part = used.reduce((sum, one) => sum + (this.share(one) ?? 0), 0);
    fill(this.explained, shareOf(part));
    fill(this.meaning, weightSentence(first, part));
  }
}

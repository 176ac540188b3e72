// Discussions: every chosen score spread over the pixels, as maps over the photo.

import { address } from "../../core/api.ts";
import { limitOf, theme } from "../../core/colour.ts";
import { fill, h, newId } from "../../core/dom.ts";
import { fileName } from "../../core/download.ts";
import { Legend, PixelCanvas, Segmented, slider } from "../../core/figures.ts";
import { Latest } from "../../core/latest.ts";
import { mapOver } from "../../core/overlay.ts";
import { floats, type Picture } from "../../core/packet.ts";
import type { Download } from "../../core/view.ts";
import { amount, score } from "../../core/words.ts";
import { busy, names, type Desk } from "./desk.ts";

/** What each definition adds up, for the reader. */
const VARIANTS: Record<string, string> = {
  spread: "What each pixel brings, and the share of every constant at its place in the feature map, spread evenly over the pixels under it. Each map sums to its score.",
  input: "What each pixel brings, without the constants. Each map sums to the share of the pixels, not to the score.",
  printed: "As the paper's equation 18 is printed: the constants that the units let through are projected back whatever the label; then the whole is rescaled to the score.",
  weighted: "As printed, but each constant counts by what it is worth to the label before it is projected back; then the whole is rescaled to the score.",
  layered: "As weighted, but the term of each layer is first rescaled to the share of that layer. Slow: one walk back for every layer.",
};

/** One label's map, and the factor it was rescaled by. */
export interface Found {
  map: Picture<Float32Array>;
  scale: number;
}

interface Slot {
  figure: HTMLElement;
  picture: PixelCanvas;
  legend: Legend;
  caption: HTMLElement;
  name: HTMLElement;
}

const KEPT = 48;

export class DiscussionsPanel {
  readonly element: HTMLElement;
  private readonly asked: Latest;
  private readonly known = new Map<string, Found>();
  private readonly grid = h("div", { class: "map-grid" });
  private readonly progress = h("div", { class: "progress indeterminate", role: "progressbar", "aria-label": "Discussions" }, h("div"));
  private readonly explanation = h("p", { class: "soft small variant-text" });
  private readonly variant: HTMLSelectElement;
  private readonly scale: Segmented<"common" | "own">;
  private readonly opacity: ReturnType<typeof slider>;
  private slots: Slot[] = [];
  /** What is drawn, one a chosen label. */
  private drawn: Found[] = [];
  private drawnKey = "";

  constructor(
    private readonly desk: Desk,
    /** Called with the maps of the chosen labels, in their order, once they are all there. */
    private readonly onMaps: (maps: Found[]) => void,
  ) {
    this.asked = new Latest(desk.context.signal);
    this.variant = h("select", { onchange: () => desk.change({ variant: this.variant.value }) }, ...desk.context.studio.variants.map((name) => h("option", { value: name }, name)));
    this.scale = new Segmented("Scale", newId("scale"), (value) => desk.change({ scale: value }), false);
    this.scale.fill([{ value: "common", text: "Common" }, { value: "own", text: "Each its own" }], desk.choice.scale);
    this.opacity = slider("Opacity of maps", { min: 0, max: 100, step: 1, value: desk.choice.opacity }, (value) => `${value} %`, (value) => desk.change({ opacity: value }));
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Discussions" },
      h("h2", { class: "panel-title" }, "Discussions", h("span", { class: "soft small" }, "Each score spread over the pixels: who speaks for it, in red, and who against, in blue.")),
      h("div", { class: "toolbar" }, h("label", { class: "control" }, h("span", null, "Definition"), this.variant), this.scale.element, this.opacity.element),
      this.explanation,
      this.progress,
      this.grid,
    );
  }

  async show(): Promise<void> {
    const { desk } = this;
    const { choice, labels } = desk;
    this.variant.value = choice.variant;
    this.scale.set(choice.scale);
    this.opacity.set(choice.opacity);
    this.explanation.textContent = VARIANTS[choice.variant] ?? "";
    this.arrange();
    const key = (index: number) => this.key(index);
    const missing = labels.map((label) => label.index).filter((index) => !this.known.has(key(index)));
    const signal = this.asked.next();
    this.progress.classList.toggle("running", missing.length > 0);
    if (missing.length) {
      busy(this.grid, true);
      this.caption("Computing…");
      try {
        const packet = await desk.context.api.discussion(desk.subject.id, missing, choice.variant, signal);
        const maps = floats(packet, "maps");
        const [, height, width] = maps.shape as [number, number, number];
        missing.forEach((index, i) => {
          const values = maps.values.subarray(i * height * width, (i + 1) * height * width);
          this.known.set(key(index), { map: { shape: [height, width], values }, scale: packet.header.scale[i] ?? 1 });
        });
        for (const old of [...this.known.keys()].slice(0, Math.max(0, this.known.size - KEPT))) this.known.delete(old);
      } catch (error) {
        // What is shown speaks of something else, and so stays dimmed.
        if (signal.aborted) return;
        this.progress.classList.remove("running");
        this.caption("Not computed");
        desk.context.failed(error, "discussion");
        return;
      }
    }
    if (signal.aborted) return;
    this.progress.classList.remove("running");
    busy(this.grid, false);
    const found = labels.map((label) => this.known.get(key(label.index)));
    if (found.some((one) => one === undefined)) return;
    this.drawn = found as Found[];
    this.drawnKey = this.drawnKeys();
    this.redraw();
    this.onMaps(this.drawn);
  }

  /** As many figures as labels; their places are kept before there is anything to draw. */
  private arrange(): void {
    const { labels, photo } = this.desk;
    while (this.slots.length > labels.length) this.slots.pop()!.figure.remove();
    while (this.slots.length < labels.length) {
      const picture = new PixelCanvas("", photo.height, photo.width);
      const legend = new Legend(null);
      const name = h("span", { class: "map-name" });
      const caption = h("span", { class: "soft small" }, "\u00a0");
      const figure = h("figure", { class: "figure" }, h("figcaption", { class: "map-caption" }, name, caption), picture.canvas, legend.element);
      this.slots.push({ figure, picture, legend, caption, name });
      this.grid.append(figure);
    }
    const text = names(labels);
    this.slots.forEach((slot, i) => {
      fill(slot.name, h("span", { class: "swatch", "data-tone": i + 1 }), h("span", null, text[i]!));
      slot.picture.label(`Discussion of ${labels[i]!.name} over the photo`);
    });
  }

  private caption(text: string): void {
    for (const slot of this.slots) slot.caption.textContent = text;
  }

  private drawnKeys(): string {
    return this.desk.labels.map((label) => this.key(label.index)).join();
  }

  private key(index: number): string {
    return `${this.desk.subject.id}:${this.desk.choice.variant}:${index}`;
  }

  redraw(): void {
    const { choice, labels, photo } = this.desk;
    if (this.drawnKey !== this.drawnKeys()) return;
    const limits = this.drawn.map((one) => limitOf(one.map.values));
    const common = Math.max(...limits);
    this.slots.forEach((slot, i) => {
      const found = this.drawn[i]!;
      const limit = choice.scale === "common" ? common : limits[i]!;
      slot.picture.draw(mapOver(photo, found.map, limit, choice.opacity / 100, theme()));
      slot.legend.show(limit, false, found.map.values);
      const factor = Math.abs(found.scale - 1) < 1e-3 ? "" : ` · rescaled × ${amount(found.scale, 3)}`;
      slot.caption.textContent = `score ${score(labels[i]!.score)}${factor}`;
    });
  }

  downloads(): Download[] {
    const { desk } = this;
    if (this.drawnKey !== this.drawnKeys()) return [];
    const labels = desk.labels.map((label) => label.name.split(",")[0]!);
    const query = { targets: desk.labels.map((label) => label.index).join(","), variant: desk.choice.variant, format: "npz" };
    return [
      ...this.slots.map((slot, i) => ({ label: `Discussion of ${labels[i]} as PNG`, file: fileName(desk.stem, labels[i]!, `discussion-${desk.choice.variant}.png`), get: () => slot.picture.png() })),
      { label: "Discussions as npz", file: fileName(desk.stem, `discussions-${desk.choice.variant}.npz`), get: address(`/api/subjects/${desk.subject.id}/discussion`, query) },
    ];
  }
}

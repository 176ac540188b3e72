// The largest singular values of F and their vectors, found while one watches, and the output rebuilt from them.

import { address } from "../core/api.ts";
import { rgbPlaces } from "../core/colour.ts";
import { h } from "../core/dom.ts";
import { fileName, imageBlob, stemOf } from "../core/download.ts";
import { floats } from "../core/packet.ts";
import type { Context, Download, View } from "../core/view.ts";
import { SearchControls, segmented } from "./spectrum/controls.ts";
import { Card } from "./spectrum/pairs.ts";
import { sideBySide, smoothWhereSmall } from "./spectrum/pictures.ts";
import { Progress } from "./spectrum/progress.ts";
import { Rebuilding } from "./spectrum/rebuilding.ts";
import { Search } from "./spectrum/search.ts";
import { table } from "./spectrum/sentences.ts";
import { KEYS, read, written, type Limits, type Settings } from "./spectrum/settings.ts";
import { Values } from "./spectrum/values.ts";

const LOOKS = {
  signed: "Signed: each picture is the sum over its channels, red above zero, blue below, on its own scale.",
  colour: "Colour: each channel around middle grey, brighter above zero, darker below, on its own scale.",
};

class Spectrum {
  private settings!: Settings;
  private readonly limits: Limits;
  private readonly search: Search;
  private readonly controls: SearchControls;
  private readonly progress: Progress;
  private readonly values: Values;
  private readonly rebuilding: Rebuilding;
  private readonly list = h("ol", { class: "spectrum-pairs" });
  private readonly how = h("p", { class: "small soft" });
  private readonly shown;
  private readonly part;
  private readonly smooth: () => void;
  private cards: Card[] = [];

  constructor(
    root: HTMLElement,
    private readonly context: Context,
  ) {
    const { subject, signal, studio } = context;
    const size = (shape: number[]) => shape.reduce((product, extent) => product * extent, 1);
    const coloured = [subject.input_channels, subject.output_channels].every((names) => new Set(rgbPlaces(names)).size === 3);
    this.limits = { vectors: Math.min(studio.limits.vectors, size(subject.input_shape), size(subject.output_shape)), coloured };
    this.search = new Search(context.api, subject.id, signal, (what, index) => this.changed(what, index));
    this.controls = new SearchControls(this.limits, {
      asked: (k, tol) => this.set({ k, tol, rebuild: this.settings.rebuild === null ? null : Math.min(this.settings.rebuild, k) }),
      toggle: () => (this.search.phase === "running" ? this.search.stop() : this.start()),
    });
    this.progress = new Progress(signal, () => this.start());
    this.values = new Values(signal, (scale) => this.set({ scale }));
    this.shown = segmented<Settings["shown"]>("Pictures", [["signed", "Signed"], ["colour", "Colour"]], (shown) => this.set({ shown }), coloured ? undefined : "colour");
    this.part = segmented<Settings["part"]>("Part", [["near", "Close up"], ["whole", "Whole"]], (part) => this.set({ part }));
    this.rebuilding = new Rebuilding(subject, context.pictures.output, (first) => this.set({ rebuild: first }));
    root.append(
      h(
        "div",
        { class: "spectrum" },
        h("section", { class: "panel", "aria-label": "What to find" }, h("div", { class: "toolbar spectrum-controls" }, ...this.controls.parts, this.shown.root, this.part.root)),
        h("div", { class: "columns two spectrum-charts" }, this.values.root, this.progress.root),
        h(
          "section",
          { class: "spectrum-section", "aria-label": "Pairs" },
          h("h2", { class: "panel-title" }, "Pairs", h("span", { class: "soft small" }, "F turns each eigen-input v into s times its eigen-output u")),
          this.how,
          this.list,
        ),
        this.rebuilding.root,
      ),
    );
    this.smooth = smoothWhereSmall(root, signal);
    context.onTheme(() => this.drawAll());
    context.downloads(() => this.downloads());
    this.fromAddress();
    void this.output();
  }

  /** Take the settings from the address and repair it where it is wrong. */
  fromAddress(): void {
    const { settings, problems, repairs } = read((key) => this.context.get(key), this.limits);
    if (Object.keys(repairs).length) this.context.set(repairs);
    if (problems.length) this.context.notice(problems.join(" "), "error", "spectrum address");
    this.take(settings);
  }

  private set(some: Partial<Settings>): void {
    const settings = { ...this.settings, ...some };
    this.context.set(written(settings, this.limits));
    this.take(settings);
  }

  private take(settings: Settings): void {
    const before = this.settings as Settings | undefined;
    this.settings = settings;
    if (!before || before.k !== settings.k || before.tol !== settings.tol) this.start();
    else if (before.shown !== settings.shown || before.part !== settings.part) this.drawAll();
    else {
      if (before.scale !== settings.scale) this.drawValues();
      if (before.rebuild !== settings.rebuild) this.drawRebuilt();
    }
    this.showControls();
  }

  private start(): void {
    const { k, tol } = this.settings;
    this.cards = Array.from({ length: k }, (_, i) => this.cards[i] ?? new Card(i, this.context.subject));
    this.list.replaceChildren(...this.cards.map((card) => card.root));
    void this.search.start(k, Number(tol));
    this.drawAll();
  }

  private changed(what: "phase" | "step" | "pair", index: number): void {
    if (what === "pair") {
      this.drawCard(index);
      this.drawRebuilt();
      this.smooth();
    }
    if (what !== "step") {
      this.drawValues();
      this.showControls();
    }
    this.progress.show(this.search);
  }

  private async output(): Promise<void> {
    const { api, subject, signal } = this.context;
    try {
      const packet = await api.output(subject.id, signal);
      this.rebuilding.given(floats(packet, "output"), floats(packet, "residual"));
      this.drawAll();
    } catch (error) {
      if (!signal.aborted) this.rebuilding.failed(error instanceof Error ? error.message : String(error));
    }
  }

  private showControls(): void {
    this.controls.show(this.settings, this.search.phase);
    this.shown.show(this.settings.shown);
    this.part.show(this.settings.part);
    this.how.textContent = `${LOOKS[this.settings.shown]}${this.settings.part === "near" ? " Close up: the square that holds nine tenths of the energy of both, or the whole picture where they spread over it." : ""}`;
  }

  private drawAll(): void {
    this.cards.forEach((_, i) => this.drawCard(i));
    this.drawValues();
    this.drawRebuilt();
    this.progress.show(this.search);
    this.smooth();
  }

  private drawCard(index: number): void {
    const pair = this.search.pairs[index] ?? null;
    this.cards[index]?.show(pair, this.settings, pair && this.rebuilding.share(pair.triplet));
  }

  private drawValues(): void {
    const { pairs } = this.search;
    this.values.show(pairs, this.settings.k, this.settings.scale, pairs.map(({ triplet }) => this.rebuilding.share(triplet)));
  }

  private drawRebuilt(): void {
    const parts = this.search.arrived.map(({ vectors }) => ({ ...vectors!.triplet, output: vectors!.output.values }));
    this.rebuilding.show(parts, this.settings.rebuild ?? parts.length, this.settings.shown);
  }

  private downloads(): Download[] {
    const { subject, photo } = this.context;
    const name = (...rest: (string | number)[]) => fileName(stemOf(subject, photo), ...rest);
    const { k, tol, pairs } = this.search;
    const list: Download[] = [];
    pairs.forEach((pair, index) => {
      if (!pair.vectors) return;
      const query = { k, tol, index, format: "npz" };
      list.push({ label: `Pair ${index + 1} as PNG`, file: name("pair", index + 1, `${this.settings.shown}.png`), get: () => sideBySide(this.cards[index]!.images) });
      list.push({ label: `Pair ${index + 1} as npz`, file: name("pair", `${index + 1}.npz`), get: address(`/api/subjects/${subject.id}/spectrum/vectors`, query) });
    });
    const csv = pairs.length ? table(pairs, pairs.map(({ triplet }) => this.rebuilding.share(triplet))) : null;
    list.push({ label: "Singular values as CSV", file: name("singular-values.csv"), get: csv === null ? null : async () => new Blob([csv], { type: "text/csv" }) });
    const { image, first } = this.rebuilding;
    list.push({ label: `Output rebuilt from the first ${first} as PNG`, file: name("rebuilt", `${first}.png`), get: image ? () => imageBlob(image) : null });
    return list;
  }
}

let current: Spectrum | null = null;

export const spectrum: View = {
  name: "spectrum",
  title: "Spectrum",
  question: "What does the network amplify most, and how much of its output is that?",
  keys: KEYS,
  fits: (kind) => kind !== "classification",
  mount(root, context) {
    const made = (current = new Spectrum(root, context));
    context.signal.addEventListener("abort", () => {
      if (current === made) current = null;
    });
  },
  moved() {
    current?.fromAddress();
  },
};

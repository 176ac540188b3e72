// Compare: what any methods say about one output on the same photo, side by side, with their measured checks.

import { address } from "../core/api.ts";
import { h } from "../core/dom.ts";
import { fileName, stemOf } from "../core/download.ts";
import { slider } from "../core/figures.ts";
import { shortName } from "../core/labels.ts";
import { Latest } from "../core/latest.ts";
import { floats } from "../core/packet.ts";
import type { Answer, Score } from "../core/types.ts";
import type { Context, Download, View } from "../core/view.ts";
import { amount, count, duration } from "../core/words.ts";
import { AgreementPanel, rankCorrelation } from "./compare/agreement.ts";
import { Card } from "./compare/card.ts";
import { firstLook, KEYS, readChoice, writeChoice, type Bounds, type Choice } from "./compare/choice.ts";
import { MethodPicker } from "./compare/picker.ts";
import { targetField, type TargetField } from "./compare/target.ts";
import { capital } from "./compare/words.ts";

let moved: (() => void) | null = null;
/** The pixel that was asked about, and the size of its output, when the view was last left. */
let before: { pixel: string | null; shape: string } | null = null;

export const compare: View = {
  name: "compare",
  title: "Compare",
  question: "What do other explanations say about the same output, and do their sums hold?",
  keys: KEYS,
  fits: () => true,
  mount: (root, context) => new Compare(root, context).start(),
  moved: () => moved?.(),
};

class Compare {
  private choice: Choice;
  private readonly bounds: Bounds;
  private readonly field: TargetField;
  private readonly picker: MethodPicker;
  private readonly opacity: ReturnType<typeof slider>;
  private readonly agreement = new AgreementPanel();
  private readonly grid = h("div", { class: "columns compare-grid" });
  private readonly headline = h("p", { class: "verdict" }, "\u00a0");
  private readonly status = h("p", { class: "soft small", role: "status" });
  private readonly strip = h("div");
  private readonly progress = h("div", { class: "progress", role: "progressbar", "aria-label": "Methods answered", "aria-valuemin": "0", "aria-valuemax": "100" }, this.strip);
  private readonly button = h("button", { type: "button", class: "button" }, "Cancel");
  private readonly asked: Latest;
  private readonly cards = new Map<string, Card>();
  private running = false;
  private timer = 0;
  /** What was asked last, so that the same is not asked again. */
  private last = "";

  constructor(
    root: HTMLElement,
    private readonly context: Context,
  ) {
    const { studio, subject, signal } = context;
    const methods = studio.methods.filter((method) => !method.needs);
    this.bounds = { methods, labels: subject.kind === "classification", most: Math.min(studio.limits.methods, methods.length), shape: subject.output_shape, channels: subject.output_channels };
    this.choice = this.read();
    this.asked = new Latest(signal);
    this.field = targetField(context, (target, label) => this.change({ target, label }, 0));
    this.picker = new MethodPicker(studio.methods, this.bounds.most, (methods) => this.change({ methods }, 500), firstLook(methods, this.bounds.most, this.bounds.labels));
    this.opacity = slider("Opacity of maps", { min: 0, max: 100, step: 1, value: this.choice.opacity }, (value) => `${value} %`, (value) => this.change({ opacity: value }, 0));
    this.button.onclick = () => (this.running ? this.cancel() : void this.ask());
    root.append(
      h(
        "div",
        { class: "compare" },
        h(
          "section",
          { class: "panel compare-ask", "aria-label": "What is compared" },
          h("div", { class: "compare-picture" }, this.field.picture),
          h(
            "div",
            { class: "compare-controls" },
            this.headline,
            h("div", { class: "toolbar" }, this.field.control, this.opacity.element),
            h("div", { class: "compare-run" }, h("div", { class: "compare-status" }, this.progress, this.status), this.button),
            this.picker.element,
          ),
        ),
        this.grid,
        this.agreement.element,
      ),
    );
    context.onTheme(() => {
      this.draw();
      this.agreement.draw();
    });
    context.downloads(() => this.downloads());
    moved = () => this.moved();
    signal.addEventListener(
      "abort",
      () => {
        moved = null;
        before = this.at();
        clearTimeout(this.timer);
      },
      { once: true },
    );
  }

  start(): void {
    this.sayKept();
    this.present();
    void this.ask();
  }

  private get target(): number {
    return this.choice.target ?? this.field.first;
  }

  /** Read the address; say what is wrong with it, and mend it. */
  private read(): Choice {
    const { context } = this;
    const { choice, wrong } = readChoice((key) => context.get(key), this.bounds);
    if (wrong.length) context.notice(`The address could not be followed in full: ${wrong.join("; ")}. The rest is shown.`, "info", "address");
    // Also where nothing is wrong: a channel's number becomes its name, which means the same to another network.
    context.set(writeChoice(choice, this.bounds));
    return choice;
  }

  /** A pixel of the output, as the address says it; null for the usual one and for labels. */
  private at(): { pixel: string | null; shape: string } {
    const pixel = this.bounds.labels ? null : writeChoice(this.choice, this.bounds)["target"]!;
    return { pixel, shape: this.bounds.shape.slice(1).join(" × ") };
  }

  /** A pixel that is kept for an output of another size lies elsewhere in the photo. */
  private sayKept(): void {
    const { pixel, shape } = this.at();
    if (pixel === null || pixel !== before?.pixel || shape === before.shape) return;
    this.context.notice(`The pixel ${pixel} is kept, but the output has ${shape} pixels now, so it lies elsewhere in the photo. Choose another if you meant the place.`, "info", "target");
  }

  /** Whether the address means a label that this network has not at that index; then the best score is asked about. */
  private mistaken(said: Score): boolean {
    const { label, target } = this.choice;
    const name = shortName(said.name);
    if (target !== said.index || label === name) return false;
    if (label === null) {
      this.choice = { ...this.choice, label: name };
    } else {
      this.context.notice(`Label ${target} of ${this.context.subject.model} is “${name}”, not “${label}”. The best score is asked about; choose a label to ask about another.`, "info", "target");
      this.choice = { ...this.choice, target: null, label: null };
    }
    this.context.set(writeChoice(this.choice, this.bounds));
    this.present();
    return label !== null;
  }

  private moved(): void {
    this.choice = this.read();
    this.present();
    this.draw();
    if (this.key() !== this.last) void this.ask();
  }

  private change(part: Partial<Choice>, wait: number): void {
    this.choice = { ...this.choice, ...part };
    this.context.set(writeChoice(this.choice, this.bounds));
    if (part.opacity !== undefined) {
      this.draw();
      return;
    }
    this.present();
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      if (this.key() !== this.last) void this.ask();
    }, wait);
  }

  private key(): string {
    return `${this.target},${this.choice.label}:${this.choice.methods.join(",")}`;
  }

  /** Controls and reserved places, as chosen. */
  private present(): void {
    const { methods } = this.choice;
    this.picker.show(methods);
    this.opacity.set(this.choice.opacity);
    this.field.show(this.target, this.choice.label);
    for (const [name, card] of this.cards) {
      if (methods.includes(name)) continue;
      card.element.remove();
      this.cards.delete(name);
    }
    methods.forEach((name, i) => {
      let card = this.cards.get(name);
      if (!card) {
        card = new Card(this.bounds.methods.find((method) => method.name === name)!, this.context.pictures.input);
        this.cards.set(name, card);
      }
      const here = this.grid.children[i];
      if (here !== card.element) this.grid.insertBefore(card.element, here ?? null);
    });
  }

  private draw(): void {
    for (const card of this.cards.values()) card.draw(this.choice.opacity);
  }

  /** Ask all that are chosen; those that have answered this already answer at once. */
  private async ask(): Promise<void> {
    const { context } = this;
    const { methods } = this.choice;
    const { target } = this;
    const signal = this.asked.next();
    this.last = this.key();
    this.runs(true);
    this.agreement.waiting(true);
    for (const card of this.cards.values()) if (!card.has(target)) card.wait("Waits its turn");
    const waiting = [...methods];
    const maps: Promise<void>[] = [];
    let summary = "";
    const step = () => {
      const done = methods.length - waiting.length;
      this.strip.style.width = `${(100 * done) / methods.length}%`;
      this.progress.setAttribute("aria-valuenow", String(Math.round((100 * done) / methods.length)));
      this.status.textContent = `${done} of ${count(methods.length, "method")} answered`;
      if (waiting[0]) this.cards.get(waiting[0])?.works();
    };
    step();
    try {
      for await (const { event, data } of context.api.stream(`/api/subjects/${context.subject.id}/compare`, { methods: methods.join(","), target }, signal)) {
        if (signal.aborted) return;
        if (event === "begin") {
          const said = (data as { target: Score }).target;
          if (this.bounds.labels && this.mistaken(said)) return void this.ask();
          this.headline.textContent = `${capital(context.subject.kind === "classification" ? shortName(said.name) : said.name)}: ${amount(said.score, 4)}`;
        } else if (event === "answer") {
          const answer = data as Answer;
          waiting.splice(waiting.indexOf(answer.method), 1);
          maps.push(this.show(answer, target, signal));
          step();
        } else if (event === "left_out") {
          const { method, reason } = data as { method: string; reason: string };
          waiting.splice(waiting.indexOf(method), 1);
          this.cards.get(method)?.stop("Cannot be asked here.", reason);
          step();
        } else if (event === "done") {
          const done = data as { methods: string[]; seconds: number };
          const out = methods.length - done.methods.length;
          summary = `${count(done.methods.length, "method")} answered${out ? `, ${out} cannot be asked here` : ""}; ${done.seconds < 0.001 ? "all of it was kept from before" : `it took ${duration(done.seconds)}`}.`;
        }
      }
      // The last maps come after the last word.
      await Promise.all(maps);
      if (signal.aborted) return;
    } catch (error) {
      if (signal.aborted) return;
      for (const name of waiting) this.cards.get(name)?.stop("Not asked to the end.", "Ask again.");
      this.last = "";
      summary = `${methods.length - waiting.length} of ${count(methods.length, "method")} answered.`;
      context.failed(error, "compare");
      await Promise.all(maps);
      if (signal.aborted) return;
    }
    this.compareMaps();
    this.status.textContent = summary;
    this.runs(false);
  }

  /** How alike the maps are of those that have answered, whether all have or not. */
  private compareMaps(): void {
    const there = this.choice.methods.map((name) => this.cards.get(name)!).filter((card) => card.has(this.target));
    this.agreement.show({
      methods: there.map((card) => card.method.name),
      titles: there.map((card) => card.method.title),
      values: rankCorrelation(there.map((card) => card.map!.values)),
      asked: this.choice.methods.length,
    });
  }

  private async show(answer: Answer, target: number, signal: AbortSignal): Promise<void> {
    const card = this.cards.get(answer.method);
    if (!card || card.has(target)) return;
    try {
      const packet = await this.context.api.heatmap(this.context.subject.id, answer.method, target, signal);
      if (signal.aborted) return;
      card.show(answer, target, floats(packet, "heatmap"));
      card.draw(this.choice.opacity);
    } catch (error) {
      if (signal.aborted) return;
      card.stop("Its map did not come.", "Ask again.");
      this.last = "";
      this.context.failed(error, "heatmap");
    }
  }

  private cancel(): void {
    this.asked.drop();
    this.last = "";
    let missing = 0;
    for (const card of this.cards.values()) {
      if (card.has(this.target)) continue;
      card.stop("Cancelled.", "Ask again for its map.");
      missing++;
    }
    this.compareMaps();
    this.status.textContent = `Cancelled; ${count(missing, "method")} not asked.`;
    this.runs(false);
  }

  private runs(on: boolean): void {
    this.running = on;
    this.button.textContent = on ? "Cancel" : "Ask again";
    this.progress.classList.toggle("done", !on);
  }

  private downloads(): Download[] {
    const { context, target } = this;
    const { subject } = context;
    const stem = fileName(stemOf(subject, this.context.photo), subject.kind === "classification" ? String(target) : `output-${target}`);
    const found: Download[] = [];
    for (const [name, card] of this.cards) {
      if (!card.has(target)) continue;
      const title = capital(card.method.title);
      found.push(
        { label: `${title} as PNG`, file: fileName(stem, `${name}.png`), get: () => card.png() },
        { label: `${title} as npz`, file: fileName(stem, `${name}.npz`), get: address(`/api/subjects/${subject.id}/compare/map`, { method: name, target, format: "npz" }) },
      );
    }
    found.push({ label: "Agreement as CSV", file: fileName(stem, "agreement.csv"), get: this.agreement.ready ? async () => new Blob([this.agreement.csv()], { type: "text/csv" }) : null });
    return found;
  }
}

// Votes: every pixel votes for the label whose discussion is largest there, among the chosen labels or among all.

import { address } from "../../core/api.ts";
import { fill, h } from "../../core/dom.ts";
import { fileName } from "../../core/download.ts";
import { PixelCanvas } from "../../core/figures.ts";
import { Latest } from "../../core/latest.ts";
import { amongChosen, rgb, shares, votesOver, winners, type Rgb } from "../../core/overlay.ts";
import type { VotesInfo } from "../../core/types.ts";
import type { Download } from "../../core/view.ts";
import { count, percent } from "../../core/words.ts";
import type { Found } from "./discussions.ts";
import { busy, names, type Desk } from "./desk.ts";

const POOL = 1;
const RANKED = 8;

interface All {
  key: string;
  ranking: VotesInfo["ranking"];
  winner: Int32Array;
}

/** The colours of the chosen labels, as the theme has them now. */
function tones(): Rgb[] {
  return [1, 2, 3, 4].map((tone) => token(`--mark-${tone}`));
}

function token(name: string): Rgb {
  return rgb(getComputedStyle(document.documentElement).getPropertyValue(name));
}

export class VotesPanel {
  readonly element: HTMLElement;
  private readonly few: PixelCanvas;
  private readonly fewList = h("ul", { class: "vote-list" });
  private readonly fewNote = h("p", { class: "soft small" });
  private readonly all: PixelCanvas;
  private readonly allList = h("ol", { class: "vote-list dims" });
  private readonly allNote = h("p", { class: "soft small", role: "status", tabindex: "-1" });
  private readonly fewBody = h("div", { class: "vote-body dims" });
  private readonly allBody = h("div", { class: "vote-body" });
  private readonly start: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private readonly progress = h("div", { class: "progress", role: "progressbar", "aria-label": "Votes among all labels" }, h("div"));
  private readonly asked: Latest;
  private readonly labels: number;
  private winner: Int32Array | null = null;
  private winnerKey = "";
  private found: All | null = null;
  private running: string | null = null;

  constructor(private readonly desk: Desk) {
    const { photo } = desk;
    this.asked = new Latest(desk.context.signal);
    this.labels = desk.subject.output_shape[0]!;
    const many = this.labels.toLocaleString("en");
    this.few = new PixelCanvas("Votes among the chosen labels, over the photo", photo.height, photo.width);
    this.all = new PixelCanvas(`Votes among all ${many} labels, over the photo`, photo.height, photo.width);
    this.start = h("button", { type: "button", class: "button", onclick: () => void this.voteAll() }, `Vote among all ${many} labels`);
    this.cancel = h("button", { type: "button", class: "button", hidden: true, onclick: () => this.stop() }, "Cancel");
    fill(this.fewBody, this.few.canvas, h("div", { class: "vote-text" }, this.fewList, this.fewNote));
    this.all.canvas.classList.add("dims");
    fill(this.allBody, this.all.canvas, h("div", { class: "vote-text" }, this.progress, this.allNote, this.allList));
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Votes" },
      h("h2", { class: "panel-title" }, "Votes", h("span", { class: "soft small" }, "Every pixel votes for the label that its discussion speaks for most.")),
      h(
        "div",
        { class: "columns two" },
        h("div", { class: "vote-side" }, h("div", { class: "vote-head" }, h("h3", null, "Among the chosen labels")), this.fewBody),
        h("div", { class: "vote-side" }, h("div", { class: "vote-head" }, h("h3", null, `Among all ${many} labels`), this.start, this.cancel), this.allBody),
      ),
    );
  }

  private key(): string {
    return `${this.desk.subject.id}:${this.desk.choice.variant}`;
  }

  /** The maps of the chosen labels have come. */
  maps(found: Found[]): void {
    const [height, width] = found[0]!.map.shape as [number, number];
    const values = new Float32Array(found.length * height * width);
    found.forEach((one, i) => values.set(one.map.values, i * height * width));
    this.winner = winners({ shape: [found.length, height, width], values });
    this.winnerKey = this.fewKey();
    this.drawFew();
  }

  /** The subject, the labels or the definition has changed. */
  show(): void {
    const key = this.key();
    if (this.running !== null && this.running !== key) {
      this.stop();
      this.desk.context.notice("The vote among all labels was stopped, as the attack or the definition has changed. Press its button to vote again.", "info", "votes");
    }
    this.drawFew();
    this.drawAll();
  }

  private fewKey(): string {
    return `${this.key()}:${this.desk.labels.map((label) => label.index).join()}`;
  }

  /** Begin the vote among all labels as the address asks. */
  begin(): void {
    if (this.found?.key !== this.key() && this.running !== this.key()) void this.voteAll();
  }

  redraw(): void {
    this.drawFew();
    this.drawAll();
  }

  private drawFew(): void {
    const { labels, photo, choice } = this.desk;
    const current = this.winnerKey === this.fewKey();
    busy(this.fewBody, !current && this.winner !== null);
    if (!this.winner || !current) return;
    const alone = labels.length < 2;
    const part = shares(this.winner, labels.length);
    this.few.draw(votesOver(photo, alone ? this.winner.map(() => -1) : this.winner, tones(), choice.opacity / 100, token("--card")));
    const text = names(labels);
    fill(this.fewList, ...labels.map((_, i) => h("li", null, h("span", { class: "swatch", "data-tone": i + 1 }), h("span", { class: "bar-text" }, text[i]!), h("span", { class: "num" }, alone ? "" : percent(part[i]!)))));
    this.fewNote.textContent = alone ? "Choose a second label, so that there is something to vote about." : "of the pixels";
  }

  private drawAll(): void {
    const { labels, photo, choice } = this.desk;
    const current = this.found?.key === this.key();
    const running = this.running !== null;
    this.start.hidden = running || current;
    this.cancel.hidden = !running;
    this.progress.classList.toggle("running", running);
    busy(this.all.canvas, !current && this.found !== null);
    busy(this.allList, !current && this.found !== null);
    if (!this.found) {
      this.all.draw(votesOver(photo, new Int32Array(photo.width * photo.height).fill(-1), [], 0, token("--card")));
      if (!this.allList.children.length) fill(this.allList, ...Array.from({ length: RANKED }, () => h("li", null, h("span", { class: "vote-blank" }, "\u00a0"))));
      if (!running) this.allNote.textContent = "Needs the discussion of every label, and so takes a while.";
      return;
    }
    if (!current && !running) this.allNote.textContent = "These votes are of another photo or definition. Vote again.";
    this.all.draw(votesOver(photo, amongChosen(this.found.winner, labels.map((label) => label.index)), tones(), choice.opacity / 100, token("--card")));
    const chosen = new Map(labels.map((label, i) => [label.index, i + 1]));
    const shown = this.found.ranking.slice(0, RANKED);
    const text = names(shown);
    const focused = (document.activeElement as HTMLElement | null)?.dataset["label"];
    fill(
      this.allList,
      ...shown.map((one, i) => {
        const tone = chosen.get(one.index);
        const inside = [h("span", { class: "swatch", "data-tone": tone ?? null }), h("span", { class: "bar-text" }, text[i]!), h("span", { class: "num" }, percent(one.share))];
        if (tone) return h("li", { "data-label": `vote-${one.index}`, tabindex: "-1", title: one.name }, ...inside);
        return h("li", null, h("button", { type: "button", title: `Speak of ${one.name} too`, "aria-label": `${one.name}, ${percent(one.share)} of the pixels: speak of it too`, "data-label": `vote-${one.index}`, onclick: () => this.desk.add(one.index) }, ...inside));
      }),
    );
    if (focused && !this.allList.contains(document.activeElement)) (this.allList.querySelector(`[data-label="${CSS.escape(focused)}"]`) as HTMLElement | null)?.focus();
    if (current) this.allNote.textContent = `${count(this.found.ranking.length, "label")} of ${this.labels.toLocaleString("en")} have votes; pixels of the chosen ones are coloured.`;
  }

  private async voteAll(): Promise<void> {
    const { desk } = this;
    const key = this.key();
    const { id } = desk.subject;
    const { variant } = desk.choice;
    const signal = this.asked.next();
    this.running = key;
    desk.change({ vote: "all" });
    const strip = this.progress.firstElementChild as HTMLElement;
    strip.style.width = "0%";
    const pressed = document.activeElement === this.start;
    this.drawAll();
    if (pressed) this.cancel.focus();
    this.allNote.textContent = "Discussing every label …";
    try {
      let ranking: VotesInfo["ranking"] = [];
      for await (const { event, data } of desk.context.api.stream(`/api/subjects/${id}/votes`, { variant, pool: POOL }, signal)) {
        if (signal.aborted) return;
        if (event === "progress") {
          const { done, total } = data as { done: number; total: number };
          strip.style.width = `${(100 * done) / Math.max(1, total)}%`;
          this.progress.setAttribute("aria-valuenow", String(Math.round((100 * done) / Math.max(1, total))));
          this.allNote.textContent = `${done.toLocaleString("en")} of ${count(total, "label")} discussed`;
        } else if (event === "done") {
          ranking = (data as VotesInfo).ranking;
        }
      }
      const packet = await desk.context.api.votes(id, variant, POOL, signal);
      if (signal.aborted) return;
      const winner = packet.arrays["winner"]?.values;
      if (!(winner instanceof Int32Array)) throw new Error("The server's answer has no winner.");
      this.found = { key, ranking, winner };
    } catch (error) {
      if (signal.aborted) return;
      desk.context.failed(error, "votes");
      desk.change({ vote: "chosen" });
    }
    this.running = null;
    const held = document.activeElement === this.cancel;
    this.drawAll();
    // The button that had the focus is gone.
    if (held) this.allNote.focus();
  }

  private stop(): void {
    this.asked.drop();
    this.running = null;
    this.desk.change({ vote: "chosen" });
    const held = document.activeElement === this.cancel;
    this.drawAll();
    if (held) this.start.focus();
  }

  downloads(): Download[] {
    const { desk } = this;
    const found: Download[] = [];
    if (this.winnerKey === this.fewKey() && desk.labels.length > 1) found.push({ label: "Votes among the chosen as PNG", file: fileName(desk.stem, "votes.png"), get: () => this.few.png() });
    if (this.found?.key === this.key()) {
      const query = { variant: desk.choice.variant, pool: POOL, format: "npz" };
      found.push(
        { label: "Votes among all labels as PNG", file: fileName(desk.stem, "votes-all.png"), get: () => this.all.png() },
        { label: "Votes among all labels as npz", file: fileName(desk.stem, "votes-all.npz"), get: address(`/api/subjects/${desk.subject.id}/votes/map`, query) },
      );
    }
    return found;
  }
}

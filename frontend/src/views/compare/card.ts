// One method's place: reserved from the start, then its map, its numbers and its measured check.

import { limitOf, theme } from "../../core/colour.ts";
import { fill, h } from "../../core/dom.ts";
import { Legend, PixelCanvas } from "../../core/figures.ts";
import { mapOver } from "../../core/overlay.ts";
import type { Picture } from "../../core/packet.ts";
import type { Answer, MethodInfo } from "../../core/types.ts";
import { duration, percent } from "../../core/words.ts";
import { capital, checked, COLOURS } from "./words.ts";

const MARKS = { holds: "✓", misses: "✗", none: "–" };

export class Card {
  readonly element: HTMLElement;
  /** What it said, and about which output. */
  answer: Answer | null = null;
  target: number | null = null;
  map: Picture<Float32Array> | null = null;
  private readonly picture: PixelCanvas;
  private readonly legend = new Legend(null);
  private readonly colours = h("p", { class: "soft small card-colours" });
  private readonly facts = h("p", { class: "small card-facts" });
  private readonly check = h("p", { class: "small card-check" });
  private readonly reason = h("div", { class: "card-reason small", hidden: true });
  private readonly body: HTMLElement;

  constructor(
    readonly method: MethodInfo,
    private readonly photo: ImageData,
  ) {
    this.picture = new PixelCanvas("", photo.height, photo.width);
    this.body = h("div", { class: "dims card-body" }, h("div", { class: "card-picture" }, this.picture.canvas, this.reason), this.legend.element, this.colours, this.facts, this.check);
    this.element = h(
      "article",
      { class: "panel compare-card", "aria-label": capital(method.title) },
      h("header", null, h("h3", { title: method.title }, capital(method.title)), h("p", { class: "soft small" }, `${capital(method.family)} · ${method.source}`)),
      this.body,
    );
    this.wait("Waits its turn");
  }

  /** Nothing yet, or an answer about another output, which is dimmed. */
  wait(text: string): void {
    this.reason.hidden = true;
    this.element.classList.remove("is-stopped");
    if (this.answer) {
      this.body.setAttribute("aria-busy", "true");
      return;
    }
    this.element.classList.add("is-waiting");
    this.picture.label(`${capital(this.method.title)}: no map yet`);
    this.colours.textContent = text;
    this.facts.textContent = "\u00a0";
    fill(this.check, "\u00a0");
  }

  /** It is its turn. */
  works(): void {
    if (this.element.classList.contains("is-waiting")) this.colours.textContent = "Being asked …";
  }

  /** Whether the map of this output is there. */
  has(target: number): boolean {
    return this.map !== null && this.target === target;
  }

  show(answer: Answer, target: number, map: Picture<Float32Array>): void {
    [this.answer, this.target, this.map] = [answer, target, map];
    this.reason.hidden = true;
    this.element.classList.remove("is-waiting", "is-stopped");
    this.body.removeAttribute("aria-busy");
    this.picture.label(`${capital(answer.title)}: its map over the photo`);
    this.colours.textContent = COLOURS[answer.kind];
    const holds = answer.concentration === null ? "A map of zeros" : `Holds ${percent(answer.concentration)} in a tenth of its pixels`;
    fill(this.facts, h("span", null, holds), h("span", { class: "soft" }, `${duration(answer.seconds)}${answer.layer ? ` · at ${answer.layer}` : ""}`));
    const { verdict, text, detail } = checked(answer.check);
    fill(this.check, h("span", { class: `check-mark ${verdict}`, "aria-hidden": "true" }, MARKS[verdict]), h("span", null, h("span", { class: `check-text ${verdict}` }, text), detail ? h("span", { class: "soft check-detail" }, detail) : null));
  }

  draw(opacity: number): void {
    if (!this.map || !this.answer) return;
    const limit = limitOf(this.map.values);
    this.picture.draw(mapOver(this.photo, this.map, limit, opacity / 100, theme()));
    this.legend.show(limit, this.answer.kind !== "signed", this.map.values);
  }

  /** It was left out, or not asked to the end. */
  stop(strong: string, text: string): void {
    this.element.classList.remove("is-waiting");
    this.body.removeAttribute("aria-busy");
    [this.answer, this.map, this.target] = [null, null, null];
    this.element.classList.add("is-stopped");
    this.picture.clear();
    this.picture.label(`${capital(this.method.title)}: no map`);
    this.legend.show(null);
    this.colours.textContent = "";
    this.facts.textContent = "\u00a0";
    fill(this.check, "\u00a0");
    fill(this.reason, h("strong", null, strong), h("p", null, text));
    this.reason.hidden = false;
  }

  png(): Promise<Blob> {
    return this.picture.png();
  }
}

// The ten largest scores as bars, and the labels that are spoken of.

import { LabelCombobox } from "../../core/combobox.ts";
import { fill, h } from "../../core/dom.ts";
import type { Score } from "../../core/types.ts";
import { amount } from "../../core/words.ts";
import { MOST_LABELS } from "./choice.ts";
import { names, type Desk } from "./desk.ts";
import { bar, column, stand } from "./shares.ts";

export class ScoresPanel {
  readonly element: HTMLElement;
  private readonly chips = h("ul", { class: "chips", "aria-label": "Labels spoken of" });
  private readonly list = h("ol", { class: "score-list" });
  private readonly aside = h("span", { class: "soft small" });
  private readonly combobox: LabelCombobox;

  constructor(
    private readonly desk: Desk,
    allScores: () => Promise<Score[]>,
  ) {
    this.combobox = new LabelCombobox({
      label: "Add a label",
      placeholder: "Name or index",
      labels: allScores,
      onPick: (label) => desk.add(label.index),
      onError: (error) => desk.context.failed(error, "labels"),
      keep: false,
    });
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Scores" },
      h("h2", { class: "panel-title" }, "Scores", this.aside),
      h("p", { class: "soft small" }, `The ten largest. What follows speaks of up to ${MOST_LABELS} labels: choose a bar, or add one by its name.`),
      h("div", { class: "toolbar label-tools" }, this.combobox.element, this.chips),
      this.list,
    );
  }

  /** `before`: the scores on the photo before the attack, by index; null without one. */
  show(before: Map<number, number> | null): void {
    const { desk } = this;
    const scores = desk.subject.scores;
    const old = scores.map((one) => before?.get(one.index)).filter((value) => value !== undefined);
    const all = [...scores.map((one) => one.score), ...old];
    const axis: [number, number] = [Math.min(0, ...all), Math.max(0, ...all)];
    const write = column(all);
    const tones = new Map(desk.labels.map((label, i) => [label.index, i + 1]));
    this.aside.textContent = before ? "after the attack; the upright line is before it" : "";

    const focused = (document.activeElement as HTMLElement | null)?.dataset["label"];
    const text = names(scores);
    fill(this.list, ...scores.map((one, i) => h("li", null, this.row(one, text[i]!, axis, tones.get(one.index) ?? 0, before, write))));
    if (focused && !this.list.contains(document.activeElement)) {
      (this.list.querySelector(`[data-label="${CSS.escape(focused)}"]`) as HTMLElement | null)?.focus();
    }

    const few = desk.labels.length === 1;
    fill(
      this.chips,
      ...names(desk.labels).map((name, i) =>
        h(
          "li",
          { class: "chip", "data-tone": i + 1, title: `${desk.labels[i]!.name} (${desk.labels[i]!.index})` },
          h("span", { class: "chip-name" }, name),
          h("span", { class: "soft num" }, amount(desk.labels[i]!.score)),
          few ? null : h("button", { type: "button", "aria-label": `Remove ${name}`, onclick: () => this.remove(i) }, "×"),
        ),
      ),
    );
    this.combobox.disabled = desk.labels.length >= MOST_LABELS;
  }

  private row(one: Score, name: string, axis: [number, number], tone: number, before: Map<number, number> | null, write: (value: number) => string): HTMLElement {
    const place = bar(one.score, axis);
    const strip = h("span", { class: "bar-fill" });
    strip.style.left = `${place.start}%`;
    strip.style.width = `${place.length}%`;
    const zero = h("span", { class: "bar-zero" });
    zero.style.left = `${stand(0, axis)}%`;
    const track = h("span", { class: "bar-track" }, strip, zero);
    const was = before?.get(one.index);
    let change = "";
    if (was !== undefined) {
      const tick = h("span", { class: "bar-tick" });
      tick.style.left = `${stand(was, axis)}%`;
      track.append(tick);
      const moved = one.score - was;
      change = moved === 0 ? "0" : `${moved > 0 ? "▲" : "▼"} ${amount(Math.abs(moved), 2)}`;
    }
    const said = `${one.name}, score ${amount(one.score)}${was === undefined ? "" : `, before ${amount(was)}`}`;
    return h(
      "button",
      {
        type: "button",
        class: "score-row",
        "aria-pressed": String(tone > 0),
        "aria-label": said,
        "data-tone": tone || null,
        "data-label": `score-${one.index}`,
        title: `${one.name} (${one.index})`,
        onclick: () => (tone ? this.remove(this.desk.labels.findIndex((label) => label.index === one.index)) : this.desk.add(one.index)),
      },
      h("span", { class: "swatch", "data-tone": tone || null }),
      h("span", { class: "bar-name" }, name),
      track,
      h("span", { class: "num bar-value" }, write(one.score)),
      h("span", { class: "num small bar-change soft" }, change),
    );
  }

  private remove(place: number): void {
    const { labels, choice, active } = this.desk;
    if (labels.length === 1) {
      this.desk.context.notice("One label at least is spoken of. Add another before you take this one away.");
      return;
    }
    const left = labels.filter((_, i) => i !== place).map((label) => label.index);
    this.desk.change({ labels: left, active: left.includes(active.index) ? choice.active : null });
    const buttons = this.chips.querySelectorAll("button");
    if (!document.activeElement || document.activeElement === document.body) (buttons[Math.min(place, buttons.length - 1)] ?? null)?.focus();
  }

  csv(before: Map<number, number> | null): string {
    const head = before ? "index,name,score,before" : "index,name,score";
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    return [head, ...this.desk.subject.scores.map((one) => [one.index, quoted(one.name), one.score, ...(before ? [before.get(one.index) ?? ""] : [])].join(","))].join("\n") + "\n";
  }
}

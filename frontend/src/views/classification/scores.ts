// The largest scores as bars, and the labels that are spoken of.

import { LabelCombobox } from "../../core/combobox.ts";
import { fill, h } from "../../core/dom.ts";
import type { Score } from "../../core/types.ts";
import { score } from "../../core/words.ts";
import { MOST_LABELS } from "./choice.ts";
import { names, type Desk } from "./desk.ts";
import { bar, stand } from "./shares.ts";

export class ScoresPanel {
  readonly element: HTMLElement;
  private readonly chips = h("ul", { class: "chips", "aria-label": "Labels spoken of" });
  private readonly list = h("ol", { class: "score-list" });
  private readonly which = h("p", { class: "soft small" });
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
      this.which,
      h("div", { class: "toolbar label-tools" }, this.combobox.element, this.chips),
      this.list,
    );
  }

  /** The largest scores, then those spoken of and the top label before an attack, where they are not among them. */
  private listed(): Score[] {
    const { desk } = this;
    const { scores, attack } = desk.subject;
    const others = new Map([...desk.labels, ...(attack ? [attack.before] : [])].map((one) => [one.index, one]));
    if (attack) others.set(attack.label.index, desk.scoreOf(attack.label.index) ?? attack.label);
    for (const one of scores) others.delete(one.index);
    return [...scores, ...[...others.values()].filter((one) => Number.isFinite(one.score)).sort((a, b) => b.score - a.score)];
  }

  /** `before`: the scores on the photo before the attack, by index; null without one. */
  show(before: Map<number, number> | null): void {
    const { desk } = this;
    const scores = this.listed();
    const shown = desk.subject.scores.length;
    const total = desk.subject.output_shape[0]!;
    const largest = shown < total ? `The ${shown} largest of ${total.toLocaleString("en")} scores` : `All ${total} scores`;
    const others = scores.length > shown ? `, then ${desk.subject.attack ? "those spoken of or largest before the attack" : "those spoken of"}` : "";
    this.which.textContent = `${largest}${others}. What follows speaks of up to ${MOST_LABELS} labels: choose a bar, or add one by its name.`;
    const old = scores.map((one) => before?.get(one.index)).filter((value) => value !== undefined);
    const all = [...scores.map((one) => one.score), ...old];
    const axis: [number, number] = [Math.min(0, ...all), Math.max(0, ...all)];
    const tones = new Map(desk.labels.map((label, i) => [label.index, i + 1]));
    this.aside.textContent = before ? "after the attack; the upright line is before it" : "";

    const focused = (document.activeElement as HTMLElement | null)?.dataset["label"];
    const text = names(scores);
    fill(this.list, ...scores.map((one, i) => h("li", null, this.row(one, text[i]!, axis, tones.get(one.index) ?? 0, before))));
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
          h("span", { class: "soft num" }, score(desk.labels[i]!.score)),
          few ? null : h("button", { type: "button", "aria-label": `Remove ${name}`, onclick: () => this.remove(i) }, "×"),
        ),
      ),
    );
    const typing = this.combobox.element.contains(document.activeElement);
    this.combobox.disabled = desk.labels.length >= MOST_LABELS;
    if (typing && desk.labels.length >= MOST_LABELS) this.focusChip(desk.labels.length - 1);
  }

  focusChip(place: number): void {
    const buttons = this.chips.querySelectorAll("button");
    buttons[Math.min(place, buttons.length - 1)]?.focus();
  }

  private row(one: Score, name: string, axis: [number, number], tone: number, before: Map<number, number> | null): HTMLElement {
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
      change = moved === 0 ? "0.00" : `${moved > 0 ? "▲" : "▼"} ${score(Math.abs(moved))}`;
    }
    const said = `${one.name}, score ${score(one.score)}${was === undefined ? "" : `, before ${score(was)}`}`;
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
      h("span", { class: "num bar-value" }, score(one.score)),
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
    if (!document.activeElement || document.activeElement === document.body) this.focusChip(place);
  }

  csv(before: Map<number, number> | null): string {
    const head = before ? "index,name,score,before" : "index,name,score";
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    return [head, ...this.listed().map((one) => [one.index, quoted(one.name), one.score, ...(before ? [before.get(one.index) ?? ""] : [])].join(","))].join("\n") + "\n";
  }
}

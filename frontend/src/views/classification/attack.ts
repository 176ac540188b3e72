// The attack: one step against the top label, of up to epsilon levels a pixel.

import { h, newId } from "../../core/dom.ts";
import { fill } from "../../core/dom.ts";
import { PixelCanvas, Segmented, slider } from "../../core/figures.ts";
import { fileName, imageBlob, stemOf } from "../../core/download.ts";
import { shortName } from "../../core/labels.ts";
import { change } from "../../core/overlay.ts";
import type { Download } from "../../core/view.ts";
import { amount } from "../../core/words.ts";
import { MOST_LABELS } from "./choice.ts";
import { busy, type Desk } from "./desk.ts";

type Look = "original" | "attacked" | "change";

export class AttackPanel {
  readonly element: HTMLElement;
  private readonly picture: PixelCanvas;
  private readonly looks: Segmented<Look>;
  private readonly slider: ReturnType<typeof slider>;
  private readonly verdict = h("p", { class: "verdict" });
  private readonly detail = h("p", { class: "soft small verdict-detail" });
  private readonly more = h("div", { class: "verdict-more" });
  private readonly stage: HTMLElement;
  private look: Look = "original";
  private timer = 0;

  constructor(
    private readonly desk: Desk,
    private readonly original: ImageData,
  ) {
    const { context } = desk;
    this.picture = new PixelCanvas("", original.height, original.width);
    this.looks = new Segmented<Look>("Photo", newId("look"), (value) => {
      this.look = value;
      this.draw();
    });
    const most = context.studio.limits.epsilon;
    this.slider = slider("Attack, in 8-bit levels a pixel", { min: 0, max: most, step: 0.5, value: desk.choice.epsilon }, (value) => (value ? amount(value) : "none"), (value) => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => desk.change({ epsilon: value }), 250);
    });
    context.signal.addEventListener("abort", () => clearTimeout(this.timer), { once: true });
    this.stage = h("div", { class: "dims photo-stage" }, this.picture.canvas);
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Photo and attack" },
      h("h2", { class: "panel-title" }, "Photo"),
      this.stage,
      this.looks.element,
      this.slider.element,
      h("div", { class: "verdict-box", role: "status" }, this.verdict, this.detail),
      this.more,
    );
  }

  waiting(on: boolean): void {
    busy(this.stage, on);
    busy(this.verdict, on);
  }

  show(): void {
    const { subject, context, choice, labels } = this.desk;
    const { attack } = subject;
    this.slider.set(choice.epsilon);
    if (!attack) this.look = "original";
    else if (this.look === "original") this.look = "attacked";
    const levels = (epsilon: number) => `${amount(epsilon)} ${epsilon === 1 ? "level" : "levels"}`;
    const top = context.subject.scores[0]!;
    fill(this.more);
    if (!attack) {
      this.verdict.textContent = shortName(top.name);
      this.detail.textContent = "No attack. Move the slider to change every pixel a little against this label.";
    } else if (attack.success) {
      this.verdict.textContent = `${shortName(attack.label.name)} → ${shortName(attack.after.name)} at ${levels(attack.epsilon)}`;
      this.detail.textContent = "One step of the fast gradient sign method changed the label. All below speaks of the attacked photo.";
      if (!labels.some((label) => label.index === attack.after.index)) {
        const full = labels.length >= MOST_LABELS;
        const title = full ? `Instead of ${shortName(labels.at(-1)!.name)}` : null;
        this.more.append(h("button", { type: "button", class: "button", title, onclick: () => this.desk.add(attack.after.index, true) }, `Speak of ${shortName(attack.after.name)} ${full ? "instead" : "too"}`));
      }
    } else {
      this.verdict.textContent = `Still ${shortName(attack.label.name)} at ${levels(attack.epsilon)}`;
      this.detail.textContent = "One step of the fast gradient sign method did not change the label. All below speaks of the attacked photo.";
    }
    this.looks.fill(
      [
        { value: "original", text: "Original" },
        { value: "attacked", text: "Attacked", disabled: !attack },
        { value: "change", text: attack ? `Change × ${this.gain()}` : "Change", disabled: !attack },
      ],
      this.look,
    );
    this.draw();
  }

  private gain(): number {
    const epsilon = this.desk.subject.attack?.epsilon ?? this.desk.context.studio.limits.epsilon;
    return Math.max(1, Math.floor(100 / Math.max(1, epsilon)));
  }

  private draw(): void {
    const { photo, context } = this.desk;
    const name = context.photo.title;
    if (this.look === "original") this.picture.draw(this.original);
    else if (this.look === "attacked") this.picture.draw(photo);
    else this.picture.draw(change(this.original, photo, this.gain()));
    const said = { original: `${name} as the network sees it`, attacked: `${name} after the attack`, change: `What the attack changed, ${this.gain()} times, around grey` };
    this.picture.label(said[this.look]);
  }

  downloads(): Download[] {
    const { desk } = this;
    const found: Download[] = [{ label: "Photo as the network sees it, PNG", file: fileName(stemOf(desk.context.subject, desk.context.photo), "photo.png"), get: () => imageBlob(this.original) }];
    if (desk.subject.attack) found.push({ label: "Attacked photo as PNG", file: `${desk.stem}.png`, get: () => imageBlob(desk.photo) });
    return found;
  }
}

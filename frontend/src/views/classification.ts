// Classification: what made the scores, how the pixels discuss and vote, and what an attack does to all of it.

import { rgbImage } from "../core/colour.ts";
import { h } from "../core/dom.ts";
import { fileName, stemOf } from "../core/download.ts";
import { Latest } from "../core/latest.ts";
import { bytes } from "../core/packet.ts";
import type { Score, Subject } from "../core/types.ts";
import type { Context, View } from "../core/view.ts";
import { AttackPanel } from "./classification/attack.ts";
import { carry, KEYS, MOST_LABELS, readChoice, writeChoice, type Choice, type Seen } from "./classification/choice.ts";
import { ContributionsPanel } from "./classification/contributions.ts";
import type { Desk } from "./classification/desk.ts";
import { DiscussionsPanel } from "./classification/discussions.ts";
import { ScoresPanel } from "./classification/scores.ts";
import { VotesPanel } from "./classification/votes.ts";

let moved: (() => void) | null = null;
/** What the view spoke of last: what was chosen there may not hold for another network or photo. */
let seen: Seen | null = null;

export const classification: View = {
  name: "classification",
  title: "Classification",
  question: "What made each score, how do the pixels vote, and what does an attack change?",
  keys: KEYS,
  fits: (kind) => kind === "classification",
  mount: (root, context) => void new Classification(root, context).start(),
  moved: () => moved?.(),
};

class Classification {
  private readonly desk: Desk;
  private readonly attack: AttackPanel;
  private readonly scores: ScoresPanel;
  private readonly contributions: ContributionsPanel;
  private readonly discussions: DiscussionsPanel;
  private readonly votes: VotesPanel;
  private readonly asked: Latest;
  /** Whether what is chosen is known to hold for this network and photo. */
  private carried = false;
  /** Every score of a subject, by its id; and the same while it is asked. */
  private readonly all = new Map<string, Promise<Score[]>>();
  private readonly known = new Map<string, Map<number, Score>>();
  private readonly attacked = new Map<number, { subject: Subject; photo: ImageData }>();

  constructor(
    root: HTMLElement,
    private readonly context: Context,
  ) {
    const { subject } = context;
    const choice = this.read();
    this.asked = new Latest(context.signal);
    this.remember(subject, subject.scores);
    this.desk = {
      context,
      subject,
      photo: context.pictures.input,
      choice,
      labels: [],
      active: subject.scores[0]!,
      change: (part, push) => this.change(part, push),
      add: (index, instead) => this.add(index, instead),
      scoreOf: (index) => this.known.get(this.desk.subject.id)?.get(index),
      get stem() {
        return stemOf(this.subject, context.photo);
      },
    };
    this.settle();
    const { desk } = this;
    this.attack = new AttackPanel(desk, context.pictures.input);
    this.scores = new ScoresPanel(desk, () => this.allScores(desk.subject));
    this.contributions = new ContributionsPanel(desk);
    this.votes = new VotesPanel(desk);
    this.discussions = new DiscussionsPanel(desk, (maps) => this.votes.maps(maps));
    root.append(
      h(
        "div",
        { class: "classification" },
        h("div", { class: "class-top" }, this.attack.element, this.scores.element),
        this.contributions.element,
        this.discussions.element,
        this.votes.element,
      ),
    );
    context.onTheme(() => this.redraw());
    context.downloads(() => [
      ...this.attack.downloads(),
      { label: "Scores as CSV", file: fileName(desk.stem, "scores.csv"), get: async () => new Blob([this.scores.csv(this.before())], { type: "text/csv" }) },
      ...this.contributions.downloads(),
      ...this.discussions.downloads(),
      ...this.votes.downloads(),
    ]);
    moved = () => this.moved();
    context.signal.addEventListener("abort", () => (moved = null), { once: true });
  }

  async start(): Promise<void> {
    const { context } = this;
    const { subject } = context;
    // Names of labels are needed to tell whether another network has the same.
    if (this.desk.choice.labels && seen && seen.model !== subject.model) await this.allScores(subject).catch(() => undefined);
    if (context.signal.aborted) return;
    const { choice, said } = carry(this.desk.choice, seen, subject, (index) => this.desk.scoreOf(index)?.name);
    this.desk.choice = choice;
    this.carried = true;
    this.settle();
    context.set(writeChoice(this.desk.choice, context.studio.variants));
    if (said) context.notice(said, "info", "labels");
    this.present();
    this.allScores(subject).then(
      () => {
        this.settle();
        this.scores.show(this.before());
      },
      (error: unknown) => context.failed(error, "scores"),
    );
    if (this.desk.choice.epsilon) await this.runAttack();
    if (this.desk.choice.vote === "all" && !context.signal.aborted) this.votes.begin();
  }

  /** Read the address; say what is wrong with it, and mend it. */
  private read(): Choice {
    const { context } = this;
    const bounds = { count: context.subject.output_shape[0]!, variants: context.studio.variants, epsilon: context.studio.limits.epsilon };
    const { choice, wrong } = readChoice((key) => context.get(key), bounds);
    if (wrong.length) {
      context.notice(`The address could not be followed in full: ${wrong.join("; ")}. The rest is shown.`, "info", "address");
      context.set(writeChoice(choice, context.studio.variants));
    }
    return choice;
  }

  private moved(): void {
    const before = this.desk.choice;
    this.desk.choice = this.read();
    this.settle();
    if (before.epsilon !== this.desk.choice.epsilon) void this.runAttack();
    else this.present();
  }

  private change(part: Partial<Choice>, push = false): void {
    const { desk, context } = this;
    const before = desk.choice;
    desk.choice = { ...before, ...part };
    this.settle();
    context.set(writeChoice(desk.choice, context.studio.variants), push);
    const changed = (Object.keys(part) as (keyof Choice)[]).filter((key) => before[key] !== desk.choice[key]);
    if (changed.includes("epsilon")) void this.runAttack();
    else if (changed.length === 1 && (changed[0] === "opacity" || changed[0] === "scale")) this.redraw();
    else if (changed.every((key) => key === "open" || key === "groups" || key === "active")) void this.contributions.show();
    else if (changed[0] !== "vote") this.present();
  }

  private add(index: number, instead = false): void {
    const { desk, context } = this;
    const chosen = desk.labels.map((label) => label.index);
    if (chosen.includes(index)) return;
    if (chosen.length >= MOST_LABELS && !instead) {
      context.notice(`${MOST_LABELS} labels are spoken of already. Take one away first.`);
      return;
    }
    const left = chosen.slice(0, MOST_LABELS - 1);
    this.change({ labels: [...left, index] });
    if (!document.activeElement || document.activeElement === document.body) this.scores.focusChip(left.length);
  }

  /** Who is spoken of, by what is chosen and known. */
  private settle(): void {
    const { desk, context } = this;
    const indices = desk.choice.labels ?? context.subject.scores.slice(0, 3).map((one) => one.index);
    const known = this.known.get(desk.subject.id);
    const original = this.known.get(context.subject.id);
    desk.labels = indices.map((index) => known?.get(index) ?? { index, name: original?.get(index)?.name ?? `label ${index}`, score: NaN });
    if (desk.choice.active !== null && !indices.includes(desk.choice.active)) desk.choice = { ...desk.choice, active: null };
    desk.active = desk.labels.find((label) => label.index === desk.choice.active) ?? desk.labels[0]!;
    const { model, image, side } = context.subject;
    if (this.carried) seen = { model, image, side, choice: desk.choice, names: desk.labels.map((label) => label.name) };
  }

  private remember(subject: Subject, scores: Score[]): void {
    const known = this.known.get(subject.id) ?? new Map<number, Score>();
    for (const one of scores) known.set(one.index, one);
    this.known.set(subject.id, known);
  }

  private allScores(subject: Subject): Promise<Score[]> {
    const asked = this.all.get(subject.id);
    if (asked) return asked;
    const asking = this.context.api.scores(subject.id, this.context.signal).then((scores) => {
      this.remember(subject, scores);
      return scores;
    });
    this.all.set(subject.id, asking);
    asking.catch(() => this.all.delete(subject.id));
    return asking;
  }

  /** Scores before the attack, by index; null without one. */
  private before(): Map<number, number> | null {
    if (!this.desk.subject.attack) return null;
    const known = this.known.get(this.context.subject.id)!;
    return new Map([...known.values()].map((one) => [one.index, one.score]));
  }

  /** Show everything as chosen; each panel asks for what it has not. */
  private present(): void {
    this.attack.show();
    this.scores.show(this.before());
    void this.contributions.show();
    void this.discussions.show();
    this.votes.show();
  }

  private redraw(): void {
    this.contributions.redraw();
    this.discussions.redraw();
    this.votes.redraw();
  }

  /** Attack by the chosen epsilon, and speak of the attacked photo from then on. What is shown stays until it is there. */
  private async runAttack(): Promise<void> {
    const { desk, context } = this;
    const { epsilon } = desk.choice;
    const signal = this.asked.next();
    let found = epsilon === 0 ? { subject: context.subject, photo: context.pictures.input } : this.attacked.get(epsilon);
    if (!found) {
      this.attack.waiting(true);
      try {
        const subject = await context.api.attack(context.subject.id, epsilon, context.subject.scores[0]!.index, signal);
        const [packet] = await Promise.all([context.api.pictures(subject.id, signal), this.allScores(subject), this.allScores(context.subject)]);
        if (signal.aborted) return;
        this.remember(subject, subject.scores);
        found = { subject, photo: rgbImage(bytes(packet, "input")) };
        this.attacked.set(epsilon, found);
      } catch (error) {
        if (signal.aborted) return;
        this.attack.waiting(false);
        context.failed(error, "attack");
        desk.choice = { ...desk.choice, epsilon: desk.subject.attack?.epsilon ?? 0 };
        context.set(writeChoice(desk.choice, context.studio.variants));
        this.attack.show();
        return;
      }
    }
    this.attack.waiting(false);
    desk.subject = found.subject;
    desk.photo = found.photo;
    this.settle();
    this.present();
  }
}

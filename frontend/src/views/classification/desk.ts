// What the panels of the classification view share: the subject that is spoken of, and what is chosen.

import type { Context } from "../../core/view.ts";
import type { Score, Subject } from "../../core/types.ts";
import { shortName } from "../../core/labels.ts";
import type { Choice } from "./choice.ts";

export interface Desk {
  context: Context;
  /** The subject as chosen above, or its attacked twin. */
  subject: Subject;
  /** Its photo. */
  photo: ImageData;
  choice: Choice;
  /** The labels spoken of, with their scores on the subject; the first has tone 1. */
  labels: Score[];
  /** The one that contributions speak of. */
  active: Score;
  /** Change what is chosen, and show it. */
  change(part: Partial<Choice>, push?: boolean): void;
  /** Add a label to those spoken of, or say that there are enough; with `instead`, the last one then goes. */
  add(index: number, instead?: boolean): void;
  /** A score on the subject, where it is known. */
  scoreOf(index: number): Score | undefined;
  /** File names begin with this. */
  readonly stem: string;
}

/** Names of labels, with the index where two have the same short name. */
export function names(labels: Score[]): string[] {
  const short = labels.map((label) => shortName(label.name));
  return short.map((name, i) => (short.indexOf(name) === short.lastIndexOf(name) ? name : `${name} (${labels[i]!.index})`));
}

/** Marks a panel as waiting: what it holds is old, and is dimmed. */
export function busy(element: HTMLElement, waiting: boolean): void {
  if (waiting) element.setAttribute("aria-busy", "true");
  else element.removeAttribute("aria-busy");
}

// What is chosen in the classification view, as the address says it; wrong values are mended and named.

import type { Subject } from "../../core/types.ts";

export const MOST_LABELS = 4;

export interface Choice {
  /** Indices, in the order of their colours; null: the three largest scores. */
  labels: number[] | null;
  /** Which of them the contributions speak of; null: the first. */
  active: number | null;
  variant: string;
  /** Of maps over the photo, in percent. */
  opacity: number;
  /** In 8-bit levels; 0: no attack. */
  epsilon: number;
  vote: "chosen" | "all";
  scale: "common" | "own";
  /** The layer whose map is open. */
  open: string | null;
  /** The groups of layers that are open. */
  groups: string[];
}

export const DEFAULTS: Choice = { labels: null, active: null, variant: "spread", opacity: 75, epsilon: 0, vote: "chosen", scale: "common", open: null, groups: [] };

export const KEYS = ["labels", "active", "variant", "opacity", "epsilon", "vote", "scale", "open", "groups"];

export interface Bounds {
  /** How many labels there are. */
  count: number;
  variants: string[];
  epsilon: number;
}

/** Read the address. `wrong` names what could not be taken. */
export function readChoice(get: (key: string) => string | null, bounds: Bounds): { choice: Choice; wrong: string[] } {
  const wrong: string[] = [];
  const fallback = bounds.variants.includes(DEFAULTS.variant) ? DEFAULTS.variant : (bounds.variants[0] ?? DEFAULTS.variant);
  const choice: Choice = { ...DEFAULTS, variant: fallback };

  const label = (text: string): number | null => {
    const index = /^\d+$/.test(text) ? Number(text) : NaN;
    return index < bounds.count ? index : null;
  };
  const labels = get("labels");
  if (labels !== null) {
    const asked = labels.split(",");
    const known = [...new Set(asked.map(label).filter((index) => index !== null))];
    const bad = asked.filter((text) => label(text) === null);
    if (bad.length) wrong.push(`no label ${bad.map((text) => `“${text.slice(0, 20)}”`).join(", ")}`);
    if (known.length > MOST_LABELS) wrong.push(`at most ${MOST_LABELS} labels, so the first ${MOST_LABELS} are kept`);
    if (known.length) choice.labels = known.slice(0, MOST_LABELS);
  }
  const active = get("active");
  if (active !== null) {
    choice.active = label(active);
    if (choice.active === null || (choice.labels && !choice.labels.includes(choice.active))) {
      wrong.push(`“${active.slice(0, 20)}” is not one of the chosen labels`);
      choice.active = null;
    }
  }
  const one = <T extends string>(key: string, allowed: readonly T[], take: (value: T) => void) => {
    const given = get(key);
    if (given === null) return;
    if ((allowed as readonly string[]).includes(given)) take(given as T);
    else wrong.push(`no ${key} “${given.slice(0, 20)}”`);
  };
  one("variant", bounds.variants, (value) => (choice.variant = value));
  one("vote", ["chosen", "all"] as const, (value) => (choice.vote = value));
  one("scale", ["common", "own"] as const, (value) => (choice.scale = value));
  const within = (key: string, most: number, step: number, take: (value: number) => void) => {
    const given = get(key);
    if (given === null) return;
    const value = given.trim() === "" ? NaN : Number(given);
    if (value >= 0 && value <= most && Number.isInteger(value / step)) take(value);
    else wrong.push(`${key} is from 0 to ${most} in steps of ${step}`);
  };
  within("opacity", 100, 1, (value) => (choice.opacity = value));
  within("epsilon", bounds.epsilon, 0.5, (value) => (choice.epsilon = value));
  choice.open = get("open");
  choice.groups = get("groups")?.split(",").filter(Boolean) ?? [];
  return { choice, wrong };
}

/** The address of a choice; what is as by default is left out. */
export function writeChoice(choice: Choice, variants: string[]): Record<string, string | null> {
  const fallback = variants.includes(DEFAULTS.variant) ? DEFAULTS.variant : variants[0];
  return {
    labels: choice.labels ? choice.labels.join(",") : null,
    active: choice.active === null ? null : String(choice.active),
    variant: choice.variant === fallback ? null : choice.variant,
    opacity: choice.opacity === DEFAULTS.opacity ? null : String(choice.opacity),
    epsilon: choice.epsilon === 0 ? null : String(choice.epsilon),
    vote: choice.vote === DEFAULTS.vote ? null : choice.vote,
    scale: choice.scale === DEFAULTS.scale ? null : choice.scale,
    open: choice.open,
    groups: choice.groups.length ? choice.groups.join(",") : null,
  };
}

/** What was chosen last in this page load, and for what. */
export interface Seen {
  model: string;
  image: string;
  side: number | null;
  choice: Choice;
  /** The names of the chosen labels. */
  names: string[];
}

/** A choice that came with the visitor to another network or photo: what does not hold for it is given up, and said where it was the visitor's own. */
export function carry(choice: Choice, seen: Seen | null, now: Pick<Subject, "model" | "image" | "side" | "scores">, nameOf: (index: number) => string | undefined): { choice: Choice; said: string | null } {
  const network = seen?.model !== now.model;
  const photo = seen?.image !== now.image || seen.side !== now.side;
  if (!seen || (!network && !photo)) return { choice, said: null };
  const next: Choice = { ...choice, vote: "chosen" };
  if (network && choice.open === seen.choice.open) next.open = null;
  if (network && choice.groups.join() === seen.choice.groups.join()) next.groups = [];
  const { labels } = choice;
  // Other labels than those of before were asked for by a link, or by Back.
  if (!labels || labels.join() !== seen.choice.labels?.join()) return { choice: next, said: null };
  const given = (why: string) => ({ choice: { ...next, labels: null, active: null }, said: `${why} The three largest scores are spoken of; choose others under Scores.` });
  if (network && labels.some((index, i) => nameOf(index) !== seen.names[i])) return given(`The labels chosen for ${seen.model} are not those of ${now.model}.`);
  if (photo && labels.some((index) => !now.scores.some((one) => one.index === index))) return given("The chosen labels are not all among the largest scores of this photo.");
  return { choice: next, said: null };
}

// What the address says of the view, and what it should have said.

export const TOLERANCES = ["1e-2", "1e-3", "1e-4", "1e-6"] as const;
export type Tolerance = (typeof TOLERANCES)[number];

export interface Settings {
  k: number;
  tol: Tolerance;
  shown: "signed" | "colour";
  /** Close up: where the energy of a pair lies. */
  part: "near" | "whole";
  scale: "linear" | "log";
  /** How many triplets the output is rebuilt from; null: all that have arrived. */
  rebuild: number | null;
}

export const KEYS = ["k", "tol", "shown", "part", "scale", "rebuild"];

export interface Limits {
  vectors: number;
  /** Whether the channels are red, green and blue. */
  coloured: boolean;
}

export interface Reading {
  settings: Settings;
  /** One sentence for each value that could not be taken. */
  problems: string[];
  /** The keys to change in the address; null removes one. */
  repairs: Record<string, string | null>;
}

/** Take the settings from the address; what is missing or wrong becomes the default. */
export function read(get: (key: string) => string | null, limits: Limits): Reading {
  const problems: string[] = [];
  const repairs: Record<string, string | null> = {};
  const wrong = (key: string, sentence: string) => {
    problems.push(sentence);
    repairs[key] = null;
  };
  const oneOf = <T extends string>(key: string, values: readonly T[], usual: T): T => {
    const said = get(key);
    if (said === null) return usual;
    if ((values as readonly string[]).includes(said)) return said as T;
    wrong(key, `The address asks for ${key} “${said}”; it is one of ${values.join(", ")}. Showing ${usual}.`);
    return usual;
  };

  const most = limits.vectors;
  let k = Math.min(6, most);
  const count = get("k");
  if (count !== null) {
    const number = whole(count);
    if (number !== null && number >= 1 && number <= most) k = number;
    else wrong("k", `The address asks for k “${count}”; it is a number from 1 to ${most}. Finding ${k}.`);
  }

  let tol: Tolerance = "1e-3";
  const asked = get("tol");
  if (asked !== null) {
    const same = TOLERANCES.find((one) => Number(one) === Number(asked));
    if (same === undefined) wrong("tol", `The address asks for tolerance “${asked}”; it is one of ${TOLERANCES.join(", ")}. Taking ${tol}.`);
    else {
      tol = same;
      if (asked !== same) repairs["tol"] = same;
    }
  }

  let shown = oneOf("shown", ["signed", "colour"], "signed");
  if (shown === "colour" && !limits.coloured) {
    wrong("shown", "The channels of this network are not red, green and blue, so they are not shown in colour. Showing signed.");
    shown = "signed";
  }
  const part = oneOf("part", ["near", "whole"], "near");
  const scale = oneOf("scale", ["linear", "log"], "linear");

  let rebuild: number | null = null;
  const first = get("rebuild");
  if (first !== null) {
    const number = whole(first);
    if (number !== null && number <= k) rebuild = number;
    else wrong("rebuild", `The address rebuilds the output from the first “${first}”; it is a number from 0 to ${k}. Taking all that arrive.`);
  }
  return { settings: { k, tol, shown, part, scale, rebuild }, problems, repairs };
}

/** A whole number that is written as one. */
function whole(text: string): number | null {
  return /^\d{1,6}$/.test(text) ? Number(text) : null;
}

/** What a setting is in the address: nothing where it is the usual one. */
export function written(settings: Settings, limits: Limits): Record<string, string | null> {
  const unless = (value: string, usual: string) => (value === usual ? null : value);
  return {
    k: unless(String(settings.k), String(Math.min(6, limits.vectors))),
    tol: unless(settings.tol, "1e-3"),
    shown: unless(settings.shown, "signed"),
    part: unless(settings.part, "near"),
    scale: unless(settings.scale, "linear"),
    rebuild: settings.rebuild === null ? null : String(settings.rebuild),
  };
}

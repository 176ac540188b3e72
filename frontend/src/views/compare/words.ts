// What is said of a method and its map.

import type { Answer, CheckInfo, MethodInfo } from "../../core/types.ts";
import { amount, percent } from "../../core/words.ts";

export type Verdict = "holds" | "misses" | "none";

export interface Checked {
  verdict: Verdict;
  text: string;
  /** What is summed; empty where nothing is. */
  detail: string;
}

/** Above this a promise allows more than rounding. */
const ROUNDING = 0.001;

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function size(error: number): string {
  if (error === 0) return "0";
  return error < ROUNDING ? amount(error, 1) : percent(error);
}

/** The measured check of an answer in a sentence. */
export function checked(check: CheckInfo | null): Checked {
  if (!check) return { verdict: "none", text: "No sum is promised", detail: "" };
  const parts = /^(.*?)\s+sums? to ([^,]*)/.exec(check.name);
  const detail = parts ? `Summed: ${parts[1]}.` : `${capital(check.name)}.`;
  if (!check.holds) {
    return { verdict: "misses", text: `Misses its sum by ${percent(check.error)}`, detail: `${detail} Expected ${amount(check.expected)}, found ${amount(check.found)}.` };
  }
  const why = check.tolerance <= ROUNDING ? "rounding" : `${percent(check.tolerance)} allowed`;
  return { verdict: "holds", text: `Sums to ${parts ? parts[2] : "what it promises"}: error ${size(check.error)} (${why})`, detail };
}

/** What the colours of a map mean. */
export const COLOURS: Record<Answer["kind"], string> = {
  signed: "Signed: for in red, against in blue.",
  positive: "Positive part: for the score.",
  magnitude: "Size alone: for or against.",
};

/** Methods by family, both in the order they come. */
export function byFamily(methods: MethodInfo[]): [family: string, methods: MethodInfo[]][] {
  const found = new Map<string, MethodInfo[]>();
  for (const method of methods) found.set(method.family, [...(found.get(method.family) ?? []), method]);
  return [...found];
}

/** A table as CSV, with quotes where they are needed. */
export function csv(rows: (string | number | null)[][]): string {
  const cell = (value: string | number | null) => {
    const text = value === null ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",") + "\n").join("");
}

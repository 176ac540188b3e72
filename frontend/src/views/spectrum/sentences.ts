// What the view says, from what the search has come to.

import type { SpectrumDone, SpectrumStep, Triplet } from "../../core/types.ts";
import { amount, count, duration } from "../../core/words.ts";

/** "1", "1 and 2", "1, 2 and 3", counted from 1. */
export function listed(indices: readonly number[]): string {
  const names = indices.map((index) => String(index + 1));
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

export function clusterSentence(group: readonly number[]): string {
  return `Values ${listed(group)} are nearer to each other than their residuals tell apart: their vectors are any basis of the space they span.`;
}

/** A singular value with four digits, so that values that stand together are as long as each other. */
export function gain(value: number): string {
  return value >= 1e-3 && value < 1e4 ? value.toPrecision(4) : amount(value, 4);
}

/** A share in percent; those of pairs may be tiny, and are compared. */
export function share(part: number): string {
  const hundred = 100 * part;
  if (hundred === 0) return "0 %";
  if (hundred < 1e-6) return "< 0.000001 %";
  return `${hundred.toLocaleString("en", { maximumSignificantDigits: hundred < 1 ? 2 : 3 })} %`;
}

/** An error in percent with two decimals, so that a small step of the slider is seen. */
export function missing(error: number): string {
  return Number.isFinite(error) ? `${(100 * error).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })} %` : "–";
}

/** What pairs that make so much of F x mean. */
export function weightSentence(pairs: number, part: number): string {
  if (pairs === 0) return "The residual alone: what the network makes of its constants, with the switches as this photo set them.";
  const who = pairs === 1 ? "The first pair makes" : `The first ${pairs} pairs make`;
  const why = part < 0.05 ? " What F amplifies most is hardly in this photo." : "";
  return `${who} ${share(part)} of the energy of F x.${why}`;
}

/** How the search ended; where it fell short, in the server's words if it has any. */
export function doneSentence(done: SpectrumDone, wanted: number): string {
  const good = done.triplets.filter((triplet) => triplet.converged).length;
  const spent = `${count(done.products, "product")} with F and its transpose in ${duration(done.seconds)}`;
  if (done.complete) return `${wanted === 1 ? "The largest value" : `All ${wanted}`} found by ${spent}.`;
  if (done.notes[0]) return done.notes[0];
  const missing = done.triplets.length - good;
  const rest = missing > 0 ? ` ${missing === 1 ? "The other is" : "The others are"} shown as reached, marked “not converged”.` : "";
  return `${good} of ${wanted} converged to ${amount(done.tol, 1)} after ${spent}.${rest} Take a larger tolerance, or fewer values.`;
}

/** How far a search is, for a screen reader: said only when another value has converged. */
export function stepSentence(step: SpectrumStep): string {
  return `${step.converged} of ${step.wanted} converged.`;
}

/** The triplets as comma-separated values, in full precision. */
export function table(pairs: readonly { triplet: Triplet; converged: boolean }[], shares: (number | null)[]): string {
  const lines = pairs.map(({ triplet, converged }, i) =>
    [triplet.index + 1, triplet.value, triplet.residual, converged, triplet.coefficient, shares[i] ?? ""].join(","),
  );
  return ["index,singular_value,residual,converged,coefficient,share_of_Fx", ...lines, ""].join("\r\n");
}

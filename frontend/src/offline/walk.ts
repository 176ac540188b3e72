// From where the light was sent to where a filter is.

import { nearest } from "./page.ts";

/** The next of the places in the direction asked, at least one further; of a pointer the nearest. */
export function stepped(places: number[], from: number, wanted: number, byKey: boolean): number {
  const best = nearest(places, wanted);
  const here = places[from]!;
  if (!byKey || wanted === here) return best;
  return wanted > here ? Math.min(places.length - 1, Math.max(best, from + 1)) : Math.max(0, Math.min(best, from - 1));
}

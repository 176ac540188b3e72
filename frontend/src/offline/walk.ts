// From where the light was sent to where a filter is.

import { nearest } from "./page.ts";

/** The next of the places in the direction asked, at least one further; of a pointer the nearest. */
export function stepped(places: number[], from: number, wanted: number, byKey: boolean): number {
  const best = nearest(places, wanted);
  const here = places[from]!;
  if (!byKey || wanted === here) return best;
  return wanted > here ? Math.min(places.length - 1, Math.max(best, from + 1)) : Math.max(0, Math.min(best, from - 1));
}

/** How far around its point a filter is shown: all of its window, or 1.2 times where 99 % of the energy lie if that is less. */
export function halfSide(window: { top: number; left: number; height: number; width: number }, point: [number, number], radius: number): number {
  const ends = [point[0] - window.top, window.top + window.height - 1 - point[0], point[1] - window.left, window.left + window.width - 1 - point[1]];
  return Math.max(6, Math.ceil(Math.min(Math.max(...ends) + 1, 1.2 * radius + 1)));
}

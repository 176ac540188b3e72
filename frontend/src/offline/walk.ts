// From where the light was sent to where a filter is, on one axis.

/** Which of the places lies nearest. */
export function nearest(places: number[], wanted: number): number {
  return places.reduce((best, place) => (Math.abs(place - wanted) < Math.abs(best - wanted) ? place : best));
}

/** The next of the places in the direction asked, at least one further; of a pointer the nearest. */
export function stepped(places: number[], here: number, wanted: number, byKey: boolean): number {
  const best = nearest(places, wanted);
  if (!byKey || wanted === here) return best;
  if (wanted > here) return Math.max(best, places.find((place) => place > here) ?? places.at(-1)!);
  return Math.min(best, places.filter((place) => place < here).at(-1) ?? places[0]!);
}

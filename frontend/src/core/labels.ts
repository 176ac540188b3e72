// Names of labels: short ones, and finding one by a few letters or its index.

import type { Score } from "./types.ts";

/** The first of a label's names: "tench" of "tench, Tinca tinca". */
export function shortName(name: string): string {
  return name.split(",")[0]!.trim() || name;
}

function rank(label: Score, query: string): number {
  if (String(label.index) === query) return 0;
  const name = label.name.toLowerCase();
  if (name === query) return 1;
  if (name.startsWith(query)) return 2;
  if (name.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(query))) return 3;
  if (name.includes(query)) return 4;
  if (/^\d+$/.test(query) && String(label.index).startsWith(query)) return 5;
  return Infinity;
}

/** Labels that fit what was typed, the best first, among equals the higher score; all of them for nothing typed. */
export function search(labels: Score[], typed: string): Score[] {
  const query = typed.trim().toLowerCase();
  const found = labels.map((label) => ({ label, rank: query ? rank(label, query) : 0 })).filter((one) => one.rank < Infinity);
  found.sort((a, b) => a.rank - b.rank || b.label.score - a.label.score || a.label.index - b.label.index);
  return found.map((one) => one.label);
}

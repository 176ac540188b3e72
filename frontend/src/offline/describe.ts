// The numbers of a filter, as analysis/fields.py gives them.

import type { FieldHeader } from "../core/types.ts";
import type { Field } from "../views/flashlight/paint.ts";
import type { Cut } from "./decode.ts";
import type { About } from "./page.ts";

export const NEAR = 16;

export interface Numbers {
  energy: number;
  /** Distance from the point within which 50, 90 and 99 % of the energy lie. */
  radii: Record<"0.5" | "0.9" | "0.99", number>;
  centroid: [number, number];
  /** Share of the energy more than NEAR pixels away, up, down, left or right. */
  far: number;
}

/** The place on an axis of `made` pixels that lies where `place` lies on one of `given`. */
export function match(place: number, given: number, made: number): number {
  return ((place + 0.5) * made) / given - 0.5;
}

export function numbers(cut: Cut, point: [number, number], near = NEAR): Numbers {
  const [channels, height, width] = cut.map.shape as [number, number, number];
  const size = height * width;
  const energies = new Float64Array(size);
  for (let c = 0; c < channels; c++) for (let i = 0; i < size; i++) energies[i]! += cut.map.values[c * size + i]! ** 2;
  let [energy, down, right, far] = [0, 0, 0, 0];
  const away = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const y = cut.top + Math.floor(i / width) - point[0];
    const x = cut.left + (i % width) - point[1];
    const one = energies[i]!;
    away[i] = Math.hypot(y, x);
    energy += one;
    down += one * y;
    right += one * x;
    if (Math.abs(y) > near || Math.abs(x) > near) far += one;
  }
  const radii = { "0.5": 0, "0.9": 0, "0.99": 0 };
  if (!(energy > 0)) return { energy: 0, radii, centroid: [0, 0], far: 0 };
  const order = Array.from(away.keys()).sort((a, b) => away[a]! - away[b]!);
  let inside = 0;
  const shares = ["0.5", "0.9", "0.99"] as const;
  let next = 0;
  for (const i of order) {
    inside += energies[i]!;
    while (next < shares.length && inside >= Number(shares[next]) * energy * (1 - 1e-12)) radii[shares[next++]!] = away[i]!;
  }
  return { energy, radii, centroid: [down / energy, right / energy], far: far / energy };
}

/** A filter with its numbers, as the studio's server would send it. What only the server measures is null. */
export function fieldOf(about: About, row: number, column: number, cut: Cut): Field {
  const [given, made] = about.kind === "column" ? [about.input_shape, about.output_shape] : [about.output_shape, about.input_shape];
  const point: [number, number] = [match(row, given[1], made[1]), match(column, given[2], made[2])];
  const header: FieldHeader = {
    kind: about.kind, channel: about.channel, row, column, shape: made, start: [0, cut.top, cut.left], point,
    ...numbers(cut, point), orientation: null, frequency: null, near: NEAR, seconds: 0,
  };
  return { header, values: cut.map };
}

/** Cosine of two filters moved so that their points lie on each other; null where one is zero. */
export function similarity(one: Field, other: Field): number | null {
  const [channels, height, width] = one.values.shape as [number, number, number];
  const [, otherHeight, otherWidth] = other.values.shape as [number, number, number];
  const [from, to] = [one.header, other.header];
  const down = Math.round(to.point[0] - from.point[0]) + from.start[1] - to.start[1];
  const right = Math.round(to.point[1] - from.point[1]) + from.start[2] - to.start[2];
  let [product, a, b] = [0, 0, 0];
  for (const value of one.values.values) a += value * value;
  for (const value of other.values.values) b += value * value;
  if (!(a > 0) || !(b > 0)) return null;
  for (let c = 0; c < channels; c++) {
    for (let y = Math.max(0, -down); y < Math.min(height, otherHeight - down); y++) {
      for (let x = Math.max(0, -right); x < Math.min(width, otherWidth - right); x++) {
        product += one.values.values[(c * height + y) * width + x]! * other.values.values[(c * otherHeight + y + down) * otherWidth + x + right]!;
      }
    }
  }
  return product / Math.sqrt(a * b);
}

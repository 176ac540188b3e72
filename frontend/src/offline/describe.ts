// The numbers of a filter, as analysis/fields.py gives them.

import type { Cut } from "./decode.ts";

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

/** The size whose larger values hold half of the energy: a peak may saturate, and what is around it is seen. 1 for zeros. */
export function energyLimit(values: Float32Array): number {
  const sizes = Float32Array.from(values, Math.abs).sort();
  let total = 0;
  for (const size of sizes) total += size * size;
  let above = 0;
  for (let i = sizes.length - 1; i >= 0; i--) {
    above += sizes[i]! ** 2;
    if (above >= total / 2) return sizes[i] || 1;
  }
  return 1;
}

/** Cosine of two filters moved so that their points lie on each other; null where one is zero. */
export function similarity(one: Cut, onePoint: [number, number], other: Cut, otherPoint: [number, number]): number | null {
  const [channels, height, width] = one.map.shape as [number, number, number];
  const [, otherHeight, otherWidth] = other.map.shape as [number, number, number];
  const down = Math.round(otherPoint[0] - onePoint[0]) + one.top - other.top;
  const right = Math.round(otherPoint[1] - onePoint[1]) + one.left - other.left;
  let [product, a, b] = [0, 0, 0];
  for (const value of one.map.values) a += value * value;
  for (const value of other.map.values) b += value * value;
  if (!(a > 0) || !(b > 0)) return null;
  for (let c = 0; c < channels; c++) {
    for (let y = Math.max(0, -down); y < Math.min(height, otherHeight - down); y++) {
      for (let x = Math.max(0, -right); x < Math.min(width, otherWidth - right); x++) {
        product += one.map.values[(c * height + y) * width + x]! * other.map.values[(c * otherHeight + y + down) * otherWidth + x + right]!;
      }
    }
  }
  return product / Math.sqrt(a * b);
}

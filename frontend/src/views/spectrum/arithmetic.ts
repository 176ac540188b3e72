// The numbers behind the view: rebuilding an output from singular triplets, how far it is off, and where a vector lies.

import type { Picture } from "../../core/packet.ts";

export interface Part {
  value: number;
  /** <v, x>. */
  coefficient: number;
  /** u, as long as the output. */
  output: Float32Array;
}

/** y_k = r + the sum of s <v, x> u over the parts. */
export function rebuild(residual: Float32Array, parts: readonly Part[]): Float32Array {
  const sum = Float64Array.from(residual);
  for (const { value, coefficient, output } of parts) {
    const weight = value * coefficient;
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * output[i]!;
  }
  return Float32Array.from(sum);
}

/** The sum of the squares of a - b, or of a alone. */
export function energy(a: Float32Array, b?: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const value = a[i]! - (b ? b[i]! : 0);
    sum += value * value;
  }
  return sum;
}

/** |y - found| / |y|; 0 where both are zero. */
export function relativeError(y: Float32Array, found: Float32Array): number {
  const missed = energy(y, found);
  return missed === 0 ? 0 : Math.sqrt(missed / energy(y));
}

/** How many values of a channel's range lie between black and white, one a channel. */
export function spans(lower: readonly number[], upper: readonly number[]): number[] {
  return upper.map((top, c) => top - (lower[c] ?? 0) || 1);
}

/** Output minus rebuilt output (C, h, w), black to white being 1. */
export function difference(y: Picture<Float32Array>, found: Float32Array, span: readonly number[]): Picture<Float32Array> {
  const values = new Float32Array(y.values.length);
  const size = values.length / y.shape[0]!;
  for (let i = 0; i < values.length; i++) values[i] = (y.values[i]! - found[i]!) / span[Math.floor(i / size)]!;
  return { shape: y.shape, values };
}

/** Peak signal-to-noise ratio in dB of a difference whose black to white is 1; infinite where there is none. */
export function psnr(missed: Float32Array): number {
  return -10 * Math.log10(energy(missed) / missed.length);
}

/** The largest of 1, 2, 5, 10, 20 ... that keeps a difference of this size within full colour. */
export function magnification(size: number): number {
  let best = 1;
  for (let power = 1; power <= 10_000; power *= 10) for (const step of [1, 2, 5]) if (step * power * size <= 1) best = Math.max(best, step * power);
  return best;
}

/** The mean over the channels of a map (C, h, w). */
export function meanOverChannels(map: Picture<Float32Array>): Float32Array {
  const channels = map.shape[0]!;
  const mean = new Float32Array(map.values.length / channels);
  for (let i = 0; i < map.values.length; i++) mean[i % mean.length]! += map.values[i]! / channels;
  return mean;
}

export interface Area {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** The rows and columns outside which at most a tenth of the energy of a map (C, h, w) lies. */
export function mostOf(map: Picture<Float32Array>): Area {
  const [, height, width] = map.shape as [number, number, number];
  const rows = new Float64Array(height);
  const columns = new Float64Array(width);
  const size = height * width;
  for (let i = 0; i < map.values.length; i++) {
    const square = map.values[i]! ** 2;
    rows[Math.floor((i % size) / width)]! += square;
    columns[i % width]! += square;
  }
  const [top, bottom] = ends(rows);
  const [left, right] = ends(columns);
  return { top, left, height: bottom - top + 1, width: right - left + 1 };
}

/** First and last place once a fortieth of the whole is cut off either end. */
function ends(weights: Float64Array): [number, number] {
  const tail = weights.reduce((sum, weight) => sum + weight, 0) / 40;
  let first = 0;
  for (let sum = weights[0]!; sum <= tail && first < weights.length - 1; ) sum += weights[++first]!;
  let last = weights.length - 1;
  for (let sum = weights[last]!; sum <= tail && last > first; ) sum += weights[--last]!;
  return [first, last];
}

/** The same square of the picture in both vectors of a pair, with some room around; null where that is nearly all of it. */
export function closeUp(input: Picture<Float32Array>, output: Picture<Float32Array>): { input: Area; output: Area } | null {
  const [, height, width] = input.shape as [number, number, number];
  const [down, across] = [output.shape[1]! / height, output.shape[2]! / width];
  const [a, b] = [mostOf(input), mostOf(output)];
  const [top, bottom] = [Math.min(a.top, b.top / down), Math.max(a.top + a.height, (b.top + b.height) / down)];
  const [left, right] = [Math.min(a.left, b.left / across), Math.max(a.left + a.width, (b.left + b.width) / across)];
  const side = Math.max(12, Math.ceil(1.3 * Math.max(bottom - top, right - left)) + 2);
  if (side >= 0.8 * Math.min(height, width)) return null;
  const place = (low: number, high: number, length: number) => Math.min(Math.max(Math.round((low + high - side) / 2), 0), length - side);
  const area = { top: place(top, bottom, height), left: place(left, right, width), height: side, width: side };
  return {
    input: area,
    output: {
      top: Math.round(area.top * down),
      left: Math.round(area.left * across),
      height: Math.round(side * down),
      width: Math.round(side * across),
    },
  };
}

/** An area of a map (C, h, w). */
export function cutOut(map: Picture<Float32Array>, area: Area): Picture<Float32Array> {
  const [channels, height, width] = map.shape as [number, number, number];
  const values = new Float32Array(channels * area.height * area.width);
  for (let c = 0, at = 0; c < channels; c++) {
    for (let row = area.top; row < area.top + area.height; row++, at += area.width) {
      const from = (c * height + row) * width + area.left;
      values.set(map.values.subarray(from, from + area.width), at);
    }
  }
  return { shape: [channels, area.height, area.width], values };
}

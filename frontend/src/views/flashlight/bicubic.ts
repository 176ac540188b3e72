// Rows and columns of bicubic interpolation (Keys, a = -0.5, borders repeated): linear, the same on every photo, so made here.

import type { FieldHeader, FieldKind } from "../../core/types.ts";
import type { Field } from "./paint.ts";

export type Shape = [channels: number, height: number, width: number];

const A = -0.5;
const NEAR = 16;

function cubic(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((A + 2) * d - (A + 3)) * d * d + 1;
  if (d < 2) return ((A * d - 5 * A) * d + 8 * A) * d - 4 * A;
  return 0;
}

interface Line {
  start: number;
  weights: number[];
}

/** How one output of an axis is made: weights of the inputs from `start`. */
function rowOf(output: number, outputs: number, inputs: number): Line {
  const place = ((output + 0.5) * inputs) / outputs - 0.5;
  const first = Math.floor(place) - 1;
  const found = new Map<number, number>();
  for (let tap = first; tap < first + 4; tap++) {
    const inside = Math.max(0, Math.min(inputs - 1, tap));
    found.set(inside, (found.get(inside) ?? 0) + cubic(place - tap));
  }
  const start = Math.min(...found.keys());
  return { start, weights: Array.from({ length: Math.max(...found.keys()) - start + 1 }, (_, i) => found.get(start + i) ?? 0) };
}

/** What one input of an axis gives: weights in the outputs from `start`. */
function columnOf(input: number, outputs: number, inputs: number): Line {
  const scale = outputs / inputs;
  const start = Math.max(0, Math.floor((input - 2) * scale));
  const end = Math.min(outputs, Math.ceil((input + 3) * scale));
  const weights = Array.from({ length: end - start }, (_, i) => {
    const row = rowOf(start + i, outputs, inputs);
    return row.weights[input - row.start] ?? 0;
  });
  const used = weights.flatMap((weight, i) => (weight === 0 ? [] : [i]));
  const [low, high] = [used[0] ?? 0, used.at(-1) ?? 0];
  return { start: start + low, weights: weights.slice(low, high + 1) };
}

export function bicubicField(kind: FieldKind, input: Shape, output: Shape, channel: number | null, row: number, column: number): Field {
  const [from, to] = kind === "column" ? [input, output] : [output, input];
  const line = kind === "column" ? columnOf : rowOf;
  const down = line(row, output[1], input[1]);
  const right = line(column, output[2], input[2]);
  const [height, width] = [down.weights.length, right.weights.length];
  const plane = Float32Array.from({ length: height * width }, (_, i) => down.weights[Math.floor(i / width)]! * right.weights[i % width]!);
  const channels = channel === null ? to[0] : 1;
  const values = new Float32Array(channels * plane.length);
  for (let c = 0; c < channels; c++) values.set(plane, c * plane.length);
  const point: [number, number] = [((row + 0.5) * to[1]) / from[1] - 0.5, ((column + 0.5) * to[2]) / from[2] - 0.5];
  const start: Shape = [channel ?? 0, down.start, right.start];
  const header: FieldHeader = { kind, channel, row, column, shape: to, start, point, ...measure(values, [channels, height, width], start, point), near: NEAR, seconds: 0 };
  return { header, values: { shape: [channels, height, width], values } };
}

type Measures = Pick<FieldHeader, "energy" | "radii" | "centroid" | "orientation" | "frequency" | "far">;

/** The measures of a filter that need no spectrum. */
function measure(values: Float32Array, [channels, height, width]: Shape, start: Shape, point: [number, number]): Measures {
  const cells: { away: number; energy: number }[] = [];
  let [total, down, right, far] = [0, 0, 0, 0];
  for (let i = 0; i < height * width; i++) {
    let energy = 0;
    for (let c = 0; c < channels; c++) energy += values[c * height * width + i]! ** 2;
    const [dy, dx] = [Math.floor(i / width) + start[1] - point[0], (i % width) + start[2] - point[1]];
    cells.push({ away: Math.hypot(dy, dx), energy });
    total += energy;
    down += energy * dy;
    right += energy * dx;
    if (Math.abs(dy) > NEAR || Math.abs(dx) > NEAR) far += energy;
  }
  cells.sort((a, b) => a.away - b.away);
  const within = (share: number) => {
    let sum = 0;
    return cells.find(({ energy }) => (sum += energy) >= share * total * (1 - 1e-12))?.away ?? 0;
  };
  return {
    energy: total,
    radii: { "0.5": within(0.5), "0.9": within(0.9), "0.99": within(0.99) },
    centroid: total ? [down / total, right / total] : [0, 0],
    orientation: null,
    frequency: null,
    far: total ? far / total : 0,
  };
}

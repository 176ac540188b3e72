import assert from "node:assert/strict";
import { test } from "node:test";
import { closeUp, cutOut, difference, energy, magnification, meanOverChannels, mostOf, psnr, rebuild, relativeError, spans } from "../src/views/spectrum/arithmetic.ts";

const f = (...values: number[]) => Float32Array.from(values);

test("all triplets and the residual give y = F x + r", () => {
  // F = diag(3, 2) turned: u1 = (0.6, 0.8), u2 = (-0.8, 0.6), v = identity, x = (1, -2), r = (0.5, 0.25).
  const [u1, u2] = [f(0.6, 0.8), f(-0.8, 0.6)];
  const residual = f(0.5, 0.25);
  const parts = [
    { value: 3, coefficient: 1, output: u1 },
    { value: 2, coefficient: -2, output: u2 },
  ];
  const y = f(3 * 0.6 + 4 * 0.8 + 0.5, 3 * 0.8 - 4 * 0.6 + 0.25);
  assert.ok(relativeError(y, rebuild(residual, parts)) < 1e-6);
  assert.deepEqual(rebuild(residual, []), residual);
  // What a part makes is its (s <v, x>)² of the energy of F x.
  assert.ok(Math.abs(energy(y, residual) - (3 ** 2 + 4 ** 2)) < 1e-4);
  assert.deepEqual(residual, f(0.5, 0.25), "the residual itself is not changed");
});

test("the relative error falls by exactly what a triplet makes", () => {
  const y = f(3, 4);
  assert.equal(relativeError(y, f(3, 4)), 0);
  assert.equal(relativeError(y, f(0, 0)), 1);
  assert.equal(relativeError(y, f(3, 0)), 4 / 5);
  assert.equal(relativeError(f(0, 0), f(0, 0)), 0);
});

test("differences are in black to white of their own channel", () => {
  const span = spans([0, -1], [1, 1]);
  assert.deepEqual(span, [1, 2]);
  const missed = difference({ shape: [2, 1, 2], values: f(1, 0, 1, -1) }, f(0.5, 0, 0, -1), span);
  assert.deepEqual(missed.values, f(0.5, 0, 0.5, 0));
  assert.deepEqual(meanOverChannels(missed), f(0.5, 0));
});

test("PSNR of a tenth everywhere is 20 dB, and of nothing infinite", () => {
  assert.ok(Math.abs(psnr(f(0.1, -0.1, 0.1)) - 20) < 1e-5);
  assert.equal(psnr(f(0, 0)), Infinity);
});

test("a difference is magnified by 1, 2, 5, 10 ... and stays within full colour", () => {
  for (const [size, factor] of [[2, 1], [1, 1], [0.51, 1], [0.5, 2], [0.2, 5], [0.19, 5], [0.1, 10], [0.003, 200]] as const) assert.equal(magnification(size), factor, String(size));
  assert.ok(magnification(1e-30) <= 50_000);
});

test("a spot is found and cut out at the same place of both vectors", () => {
  const spot = (height: number, width: number, row: number, column: number) => {
    const values = new Float32Array(2 * height * width);
    values[row * width + column] = 1;
    values[height * width + (row + 1) * width + column] = -1;
    return { shape: [2, height, width], values };
  };
  const input = spot(64, 96, 10, 80);
  const output = spot(128, 192, 22, 162);
  assert.deepEqual(mostOf(input), { top: 10, left: 80, height: 2, width: 1 });
  const found = closeUp(input, output)!;
  assert.equal(found.input.height, found.input.width);
  assert.equal(found.output.height, 2 * found.input.height);
  assert.ok(found.input.top <= 10 && found.input.top + found.input.height > 11);
  assert.ok(found.input.left + found.input.width <= 96);
  assert.equal(energy(cutOut(input, found.input).values), 2);
  assert.equal(energy(cutOut(output, found.output).values), 2);
});

test("vectors that fill the picture are not cut", () => {
  const flat = { shape: [1, 20, 20], values: new Float32Array(400).fill(0.05) };
  assert.equal(closeUp(flat, flat), null);
});

test("a map of zeros has an area too", () => {
  const zero = { shape: [1, 40, 40], values: new Float32Array(1600) };
  assert.ok(mostOf(zero).height >= 1);
});

test("the cut keeps rows, columns and channels apart", () => {
  const map = { shape: [2, 3, 3], values: Float32Array.from({ length: 18 }, (_, i) => i) };
  assert.deepEqual(cutOut(map, { top: 1, left: 1, height: 2, width: 2 }), { shape: [2, 2, 2], values: f(4, 5, 7, 8, 13, 14, 16, 17) });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { amongChosen, change, lightness, mapOver, places, rgb, shares, votesOver, winners, type Raster } from "../src/core/overlay.ts";
import { table } from "../src/core/colour.ts";

function photo(width: number, height: number, pixel: (i: number) => [number, number, number]): Raster {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) data.set([...pixel(i), 255], 4 * i);
  return { width, height, data };
}

test("white is the lightest and green lighter than blue", () => {
  const grey = lightness(photo(3, 1, (i) => [[255, 255, 255], [0, 255, 0], [0, 0, 255]][i] as [number, number, number]));
  assert.ok(Math.abs(grey[0]! - 255) < 1e-3);
  assert.ok(grey[1]! > grey[2]!);
});

test("each place of a coarse map lies on its own pixels", () => {
  assert.deepEqual([...places(4, 4, 2, 2)], [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]);
  assert.deepEqual([...places(2, 2, 2, 2)], [0, 1, 2, 3]);
  const uneven = places(7, 7, 3, 3);
  assert.equal(uneven[0], 0);
  assert.equal(uneven[48], 8);
  assert.equal(new Set(uneven).size, 9);
});

test("a map alone has the colours of the scale, and none of it leaves the grey photo", () => {
  const under = photo(2, 1, () => [40, 40, 40]);
  const map = { shape: [1, 2], values: Float32Array.of(5, -5) };
  const colours = table("light");
  const alone = mapOver(under, map, 1, 1, "light").data;
  assert.deepEqual([...alone.subarray(0, 3)], [...colours.subarray(-3)], "beyond the limit: the full colour");
  assert.deepEqual([...alone.subarray(4, 7)], [...colours.subarray(0, 3)]);
  const none = mapOver(under, map, 1, 0, "light").data;
  assert.deepEqual([...none], [40, 40, 40, 255, 40, 40, 40, 255]);
});

test("the largest map wins, the first of equals", () => {
  const maps = { shape: [3, 1, 4], values: Float32Array.of(1, 0, 0, -3, 0, 2, 0, -2, 0, 1, 0, -1) };
  const winner = winners(maps);
  assert.deepEqual([...winner], [0, 1, 0, 2]);
  assert.deepEqual(shares(winner, 3), [0.5, 0.25, 0.25]);
});

test("of all labels only the chosen ones have a place", () => {
  assert.deepEqual([...amongChosen(Int32Array.of(967, 3, 968, 3), [968, 967])], [1, -1, 0, -1]);
});

test("votes are in their colour over the pale photo", () => {
  const under = photo(2, 1, () => [100, 100, 100]);
  const over = votesOver(under, Int32Array.of(0, -1), [[200, 0, 0]], 0.5, [200, 200, 200]).data;
  assert.deepEqual([...over], [175, 75, 75, 255, 150, 150, 150, 255]);
});

test("a change is shown around grey", () => {
  const seen = change(photo(1, 1, () => [10, 20, 30]), photo(1, 1, () => [12, 20, 29]), 10).data;
  assert.deepEqual([...seen], [148, 128, 118, 255]);
});

test("colours of the tokens", () => {
  assert.deepEqual(rgb(" #d97706"), [217, 119, 6]);
});

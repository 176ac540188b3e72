import assert from "node:assert/strict";
import { test } from "node:test";
import { lineBetween, seenArea, spread, wholePixels, type Place } from "../src/core/geometry.ts";

test("the part that is seen stays inside the picture and keeps its proportions", () => {
  assert.deepEqual(seenArea(100, 200, null, 1), { top: 0, left: 0, height: 100, width: 200 });
  assert.deepEqual(seenArea(100, 200, [49.5, 99.5], 4), { top: 37.5, left: 75, height: 25, width: 50 });
  assert.deepEqual(seenArea(100, 200, [0, 199], 4), { top: 0, left: 150, height: 25, width: 50 });
  assert.deepEqual(seenArea(100, 200, [99, 0], 0.5), { top: 0, left: 0, height: 100, width: 200 });
});

test("a part is widened to whole pixels", () => {
  assert.deepEqual(wholePixels({ top: 37.5, left: 75, height: 25, width: 50 }), { top: 37, left: 75, height: 26, width: 50 });
});

test("a drag leaves no gap and repeats no pixel", () => {
  const line = lineBetween([0, 0], [2, 5]);
  assert.equal(line.length, 5);
  assert.deepEqual(line.at(-1), [2, 5]);
  let before: Place = [0, 0];
  for (const place of line) {
    assert.ok(Math.abs(place[0] - before[0]) <= 1 && Math.abs(place[1] - before[1]) === 1);
    before = place;
  }
  assert.deepEqual(lineBetween([3, 3], [3, 3]), []);
});

test("places of a path are spread over it with both ends", () => {
  const path = Array.from({ length: 101 }, (_, i) => i);
  const chosen = spread(path, 24);
  assert.equal(chosen.length, 24);
  assert.equal(chosen[0], 0);
  assert.equal(chosen.at(-1), 100);
  assert.equal(new Set(chosen).size, 24);
  assert.deepEqual(spread([1, 2], 24), [1, 2]);
});

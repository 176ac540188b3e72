import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterSentence, doneSentence, gain, listed, share, table } from "../src/views/spectrum/sentences.ts";
import { read, written } from "../src/views/spectrum/settings.ts";
import { evenTicks, logTicks, tickText, wholeTicks } from "../src/views/spectrum/ticks.ts";

const limits = { vectors: 24, coloured: true };
const from = (query: string, some = limits) => {
  const given = new URLSearchParams(query);
  return read((key) => given.get(key), some);
};

test("nothing in the address gives the usual settings, which write nothing", () => {
  const { settings, problems, repairs } = from("");
  assert.deepEqual(settings, { k: 6, tol: "1e-3", shown: "signed", part: "near", scale: "linear", rebuild: null });
  assert.deepEqual([problems, repairs], [[], {}]);
  assert.ok(Object.values(written(settings, limits)).every((value) => value === null));
});

test("what is written is read again", () => {
  const { settings } = from("k=12&tol=1e-4&shown=colour&part=whole&scale=log&rebuild=3");
  const kept = Object.entries(written(settings, limits)).filter((entry): entry is [string, string] => entry[1] !== null);
  assert.deepEqual(from(new URLSearchParams(kept).toString()).settings, settings);
  assert.equal(kept.length, 6);
});

test("every wrong value is repaired and said", () => {
  for (const query of ["k=0", "k=25", "k=six", "k=2.5", "tol=1e-5", "tol=", "shown=red", "part=half", "scale=root", "rebuild=7", "rebuild=-1"]) {
    const { settings, problems, repairs } = from(query);
    assert.deepEqual(settings, from("").settings, query);
    assert.equal(problems.length, 1, query);
    assert.deepEqual(repairs, { [query.split("=")[0]!]: null }, query);
  }
});

test("a tolerance written otherwise is taken", () => {
  assert.deepEqual([from("tol=0.0001").settings.tol, from("tol=0.0001").repairs, from("tol=0.0001").problems], ["1e-4", { tol: "1e-4" }, []]);
});

test("colour needs red, green and blue; few values need few vectors", () => {
  assert.equal(from("shown=colour", { vectors: 24, coloured: false }).settings.shown, "signed");
  assert.equal(from("", { vectors: 4, coloured: true }).settings.k, 4);
});

test("sentences", () => {
  assert.equal(listed([0]), "1");
  assert.deepEqual([gain(4.4), gain(1e-7)], ["4.400", "1.000e−7"]);
  assert.deepEqual([share(0.5), share(0.01234), share(4.13e-6), share(1e-12), share(0)], ["50 %", "1.23 %", "0.00041 %", "< 0.000001 %", "0 %"]);
  assert.equal(clusterSentence([2, 3]), "Values 3 and 4 are nearer to each other than their residuals tell apart: their vectors are any basis of the space they span.");
  assert.match(clusterSentence([2, 3, 4]), /^Values 3, 4 and 5 /);
  const one = { index: 0, value: 2, residual: 1e-4, coefficient: 1, converged: true };
  const done = { triplets: [one, { ...one, index: 1, converged: false }], clusters: [], products: 100, tol: 1e-3, complete: false, seconds: 1, notes: [] };
  assert.match(doneSentence(done, 3), /^1 of 3 converged to 0\.001 after 100 products/);
  assert.match(doneSentence({ ...done, complete: true, triplets: [one] }, 1), /^The largest value found by/);
  assert.equal(table([{ triplet: one, converged: true }], [0.5]), "index,singular_value,residual,converged,coefficient,share_of_Fx\r\n1,2,0.0001,true,1,0.5\r\n");
});

test("ticks are round, within the range and not too many", () => {
  assert.deepEqual(evenTicks(0, 1.1, 5), [0, 0.5, 1]);
  assert.deepEqual(wholeTicks(0.5, 6.5, 10), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(wholeTicks(0.5, 24.5, 8), [5, 10, 15, 20]);
  assert.deepEqual(wholeTicks(0.5, 1.5, 8), [1]);
  assert.deepEqual([0, 0.05, 1e-4, 1500].map(tickText), ["0", "0.05", "1e−4", "1,500"]);
  assert.deepEqual(logTicks(1e-4, 1, 6), [1e-4, 1e-3, 1e-2, 1e-1, 1]);
  assert.deepEqual(logTicks(1, 1.2, 4), [1, 1.05, 1.1, 1.15, 1.2]);
  for (const [low, high] of [[0.9, 30], [1e-9, 1], [3, 3.001], [0.4, 0.41]] as const) {
    const found = logTicks(low, high, 5);
    assert.ok(found.length >= 2 && found.length <= 7, `${low} ${high}: ${found}`);
    assert.ok(found.every((tick) => tick >= low * 0.999 && tick <= high * 1.001));
  }
});

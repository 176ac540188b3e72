import assert from "node:assert/strict";
import { test } from "node:test";
import { table } from "../src/core/colour.ts";
import { cellColours, rankCorrelation, written } from "../src/views/compare/agreement.ts";
import { firstLook, indexOf, placeOf, readChoice, writeChoice } from "../src/views/compare/choice.ts";
import { byFamily, checked, csv } from "../src/views/compare/words.ts";
import type { CheckInfo, MethodInfo } from "../src/core/types.ts";

const method = (name: string, family: string, first = false): MethodInfo => ({ name, title: name, family, source: "", layer: "no", first, needs: "" });
const methods = [method("ig", "path", true), method("grad-cam", "activation map"), method("lrp-0", "relevance", true), method("cam", "activation map"), method("gradient", "gradient")];
const bounds = { methods, most: 3, labels: true, shape: [10], channels: [] };
const image = { ...bounds, labels: false, shape: [3, 40, 50], channels: ["R", "G", "B"] };
const address = (text: string) => (key: string) => new URLSearchParams(text).get(key);
const check = (part: Partial<CheckInfo>): CheckInfo => ({ name: "the values sum to the score", expected: 1, found: 1, error: 0, tolerance: 1e-4, holds: true, ...part });

test("the first look, slow methods last, and its empty address", () => {
  assert.deepEqual(firstLook(methods, 3, true), ["lrp-0", "ig"]);
  const reads = methods.map((method) => (method.name === "ig" ? { ...method, layer: "yes" } : method));
  assert.deepEqual(firstLook(reads, 3, false), ["lrp-0"]);
  const { choice, wrong } = readChoice(() => null, bounds);
  assert.deepEqual(wrong, []);
  assert.deepEqual(choice, { methods: ["lrp-0", "ig"], target: null, label: null, opacity: 75 });
  assert.deepEqual(writeChoice(choice, bounds), { methods: null, target: null, opacity: null });
});

test("a choice survives the address, in the order asked", () => {
  const { choice, wrong } = readChoice(address("methods=gradient,ig&target=7&opacity=0"), bounds);
  assert.deepEqual(wrong, []);
  assert.deepEqual(writeChoice(choice, bounds), { methods: "gradient,ig", target: "7", opacity: "0" });
});

test("wrong values are all named, the rest is kept", () => {
  const { choice, wrong } = readChoice(address("methods=ig,magic,cam,ig,more&target=10&opacity=-1"), bounds);
  assert.deepEqual(choice, { methods: ["ig", "cam"], target: null, label: null, opacity: 75 });
  assert.equal(wrong.length, 3);
  assert.match(wrong[0]!, /“magic”, “more”/);
  assert.deepEqual(readChoice(address("methods=ig,cam,lrp-0,gradient"), bounds).choice.methods, ["ig", "cam", "lrp-0"]);
  assert.deepEqual(readChoice(address("methods="), bounds).choice.methods, ["lrp-0", "ig"]);
});

test("a label keeps its name in the address, and a pixel of an image is no label", () => {
  const read = (target: string) => readChoice(address(`target=${target}`), bounds);
  assert.deepEqual([read("7").choice.target, read("7").choice.label], [7, null]);
  const { choice, wrong } = read("7,sea slug");
  assert.deepEqual([choice.target, choice.label, wrong], [7, "sea slug", []]);
  assert.equal(writeChoice(choice, bounds)["target"], "7,sea slug");
  for (const target of ["10", "10,cup", "R,1,1", "0,1,1", "7,", "-1", "cup"]) {
    assert.equal(read(target).choice.target, null, target);
    assert.match(read(target).wrong[0]!, /is no label of this network, so the best score is asked about/);
  }
});

test("a pixel of an image by its channel's name or number, row and column; nothing else", () => {
  const read = (target: string) => readChoice(address(`target=${target}`), image);
  for (const target of ["G,39,49", "1,39,49"]) {
    const { choice, wrong } = read(target);
    assert.deepEqual([choice.target, choice.label, wrong], [3999, null, []]);
    assert.equal(writeChoice(choice, image)["target"], "G,39,49");
  }
  for (const target of ["3999", "7,cup", "G,40,0", "G,0,50", "3,0,0", "Y,0,0", "all,0,0", "G,1", "G,1,1,1", "G,,1", "G,-1,1", ",1,1", "G,1.5,1"]) {
    assert.equal(read(target).choice.target, null, target);
    assert.match(read(target).wrong[0]!, /is no channel, row and column of this output, so its middle is asked about/);
  }
  // The same pixel of the same channel where the channels come in another order; none of a smaller output.
  const other = { ...image, channels: ["B", "G", "R"] };
  assert.equal(readChoice(address("target=R,1,2"), other).choice.target, 2 * 2000 + 52);
  assert.equal(readChoice(address("target=R,1,2"), { ...image, shape: [3, 1, 50] }).choice.target, null);
});

test("a place of an image and its flat index", () => {
  const shape = [3, 4, 5];
  for (let index = 0; index < 60; index++) assert.equal(indexOf(placeOf(index, shape), shape), index);
  assert.deepEqual(placeOf(39, shape), { channel: 1, row: 3, column: 4 });
});

test("methods by family", () => {
  assert.deepEqual(byFamily(methods).map(([family, list]) => [family, list.length]), [["path", 1], ["activation map", 2], ["relevance", 1], ["gradient", 1]]);
});

test("checks in words", () => {
  assert.equal(checked(null).text, "No sum is promised");
  const exact = checked(check({ error: 2.1e-7 }));
  assert.deepEqual([exact.verdict, exact.text, exact.detail], ["holds", "Sums to the score: error 2e−7 (rounding)", "Summed: the values."]);
  const path = checked(check({ name: "the values sum to the score less the baseline's score, up to the steps' error", error: 0.004, tolerance: 0.05 }));
  assert.equal(path.text, "Sums to the score less the baseline's score: error 0.4 % (5 % allowed)");
  const misses = checked(check({ error: 0.031, holds: false }));
  assert.deepEqual([misses.verdict, misses.text], ["misses", "Misses its sum by 3.1 %"]);
});

test("ink can be read on every colour of the scale", () => {
  const light = (colour: string) => {
    const [r, g, b] = colour.startsWith("#") ? (colour === "#ffffff" ? [255, 255, 255] : [0, 0, 0]) : colour.match(/\d+/g)!.map(Number);
    const linear = (c: number) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r!) + 0.7152 * linear(g!) + 0.0722 * linear(b!);
  };
  for (const theme of ["light", "dark"] as const) {
    for (let value = -1; value <= 1; value += 0.01) {
      const { ground, ink } = cellColours(value, table(theme));
      const [a, b] = [light(ground), light(ink)].sort((x, y) => y - x);
      assert.ok((a! + 0.05) / (b! + 0.05) >= 4.5, `${theme} ${value}`);
    }
  }
});

test("rank correlations, with ties and constant maps", () => {
  const maps = [[1, 2, 3, 4], [1, 10, 100, 1000], [4, 3, 2, 1], [0, 0, 1, 1], [5, 5, 5, 5]].map((map) => new Float32Array(map));
  const found = rankCorrelation(maps);
  const tied = 2 / Math.sqrt(5);
  const wanted = [[1, 1, -1, tied, null], [1, 1, -1, tied, null], [-1, -1, 1, -tied, null], [tied, tied, -tied, 1, null], [null, null, null, null, null]];
  found.forEach((row, i) => row.forEach((value, j) => (wanted[i]![j] === null ? assert.equal(value, null) : assert.ok(Math.abs(value! - wanted[i]![j]!) < 1e-12, `${i} ${j} ${value}`))));
  assert.deepEqual(rankCorrelation([]), []);
});

test("correlations in writing, and tables as files", () => {
  assert.deepEqual([1, -0.5, -0.001, null].map(written), ["1.00", "−0.50", "0.00", "–"]);
  assert.equal(csv([["a,b", 1, null], ['x"y', -0.5, 2]]), '"a,b",1,\n"x""y",-0.5,2\n');
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { carry, readChoice, writeChoice } from "../src/views/classification/choice.ts";
import { bar, column, extent, lines, MANY, runs, stageDepth, within } from "../src/views/classification/shares.ts";
import { score } from "../src/core/words.ts";
import type { LayerShare } from "../src/core/types.ts";

const layer = (name: string, share = 1): LayerShare => ({ layer: name, share, map: true });
const bounds = { count: 1000, variants: ["spread", "input"], epsilon: 8 };
const address = (text: string) => (key: string) => new URLSearchParams(text).get(key);

test("shares add up to the score, the input first", () => {
  const target = { index: 1, name: "a", score: 4 };
  const all = lines({ target, input: 5, error: 0, layers: [layer("a", -2), layer("b", 1)] });
  assert.deepEqual(all.map((line) => [line.name, line.share, line.sum]), [["input", 5, 5], ["a", -2, 3], ["b", 1, 4]]);
  assert.deepEqual(extent(all, 4), [-2, 5]);
});

test("many layers are grouped by stage; a stage has the sum of its layers and ends at the same sum", () => {
  const layers = Array.from({ length: 20 }, (_, i) => layer(`features.${Math.floor(i / 5)}.${i}`, i % 2 ? -1 : 2));
  const info = { target: { index: 0, name: "a", score: 11 }, input: 1, error: 0, layers: [...layers, layer("head", 0)] };
  assert.ok(info.layers.length > MANY);
  const all = lines(info);
  assert.deepEqual(all.map((line) => line.name), ["input", "features.0", "features.1", "features.2", "features.3", "head"]);
  assert.equal(all[1]!.layers.length, 5);
  assert.equal(all[1]!.share, 4);
  assert.equal(all.at(-1)!.sum, 11);
  assert.equal(all[1]!.sum, all[1]!.layers.at(-1)!.sum);
  assert.equal(all.at(-1)!.layers.length, 0, "a stage of one layer is that layer");
});

test("stages are as in the static pages", () => {
  assert.equal(stageDepth(Array.from({ length: 45 }, (_, i) => layer(`features.${Math.floor(i / 3)}.${i}`))), 2);
  assert.equal(stageDepth([...Array.from({ length: 16 }, (_, i) => layer(`features.${i}`)), layer("classifier.1")]), 2);
  assert.deepEqual(runs([layer("a.1#x"), layer("a.2[0]"), layer("b"), layer("a.3")], 1).map((run) => run.name), ["a", "b", "a"]);
});

test("bars start at zero on either side", () => {
  assert.deepEqual(bar(5, [-5, 5]), { start: 50, length: 50 });
  assert.deepEqual(bar(-2.5, [-5, 5]), { start: 25, length: 25 });
});

test("a column has one number of decimals", () => {
  const write = column([12.3, -0.004], true);
  assert.deepEqual([12.3, -0.04, 0.001, NaN].map(write), ["+12.30", "−0.04", "0.00", "–"]);
});

test("an empty address is the default, and the default leaves the address empty", () => {
  const { choice, wrong } = readChoice(() => null, bounds);
  assert.deepEqual(wrong, []);
  assert.ok(Object.values(writeChoice(choice, bounds.variants)).every((value) => value === null));
});

test("a choice survives the address", () => {
  const given = "labels=967,968&active=968&variant=input&opacity=40&epsilon=2.5&vote=all&scale=own&open=features.0&groups=features,head";
  const { choice, wrong } = readChoice(address(given), bounds);
  assert.deepEqual(wrong, []);
  const said = new URLSearchParams();
  for (const [key, value] of Object.entries(writeChoice(choice, bounds.variants))) if (value !== null) said.set(key, value);
  assert.equal(decodeURIComponent(said.toString()), given);
});

test("wrong values are named and left out, the others kept", () => {
  const { choice, wrong } = readChoice(address("labels=967,zebra,1000&active=3&variant=x&opacity=101&epsilon=0.3&vote=none"), bounds);
  assert.deepEqual(choice.labels, [967]);
  assert.deepEqual([choice.active, choice.variant, choice.opacity, choice.epsilon, choice.vote], [null, "spread", 75, 0, "chosen"]);
  assert.equal(wrong.length, 6);
  assert.match(wrong[0]!, /“zebra”, “1000”/);
});

test("at most four labels, none twice", () => {
  const { choice, wrong } = readChoice(address("labels=1,2,2,3,4,5"), bounds);
  assert.deepEqual(choice.labels, [1, 2, 3, 4]);
  assert.equal(wrong.length, 1);
});

const DEFAULT = readChoice(() => null, bounds).choice;
const goldfish = { model: "one", image: "a", side: null, choice: { ...DEFAULT, labels: [1], open: "features.0", vote: "all" as const }, names: ["goldfish"] };
const other = (part: object) => ({ model: "one", image: "a", side: null, scores: [{ index: 1, name: "goldfish", score: 2 }], ...part });

test("labels are carried to another network only where their names are the same", () => {
  const same = carry(goldfish.choice, goldfish, other({ model: "two" }), () => "goldfish");
  assert.deepEqual([same.choice.labels, same.choice.open, same.said], [[1], null, null]);
  const wrong = carry(goldfish.choice, goldfish, other({ model: "two" }), () => "automobile");
  assert.equal(wrong.choice.labels, null);
  assert.match(wrong.said!, /labels chosen for one are not those of two/);
  assert.deepEqual(carry(goldfish.choice, null, other({ model: "two" }), () => "automobile").choice, goldfish.choice, "a link is followed");
});

test("labels stay with another photo only where it shows them, and no vote begins by itself", () => {
  const stays = carry(goldfish.choice, goldfish, other({ image: "b" }), () => undefined);
  assert.deepEqual([stays.choice.labels, stays.choice.vote, stays.said], [[1], "chosen", null]);
  const gone = carry(goldfish.choice, goldfish, other({ image: "b", scores: [] }), () => undefined);
  assert.equal(gone.choice.labels, null);
  assert.match(gone.said!, /not all among the largest scores/);
});

test("a score has one form; a name within a group keeps its end", () => {
  assert.deepEqual([11.449, -0.5, 1, 0, 0.0049, 1234.5].map(score), ["11.45", "−0.50", "1.00", "0.00", "0.0049", "1,235"]);
  assert.deepEqual([within("_blocks.15._bn2", "_blocks.15"), within("head", "_blocks")], ["…_bn2", "head"]);
});

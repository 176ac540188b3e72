import assert from "node:assert/strict";
import { test } from "node:test";
import { search, shortName } from "../src/core/labels.ts";

const labels = [
  { index: 9, name: "ostrich, Struthio camelus", score: 0 },
  { index: 504, name: "coffee mug", score: 5 },
  { index: 505, name: "coffeepot", score: 6 },
  { index: 967, name: "espresso", score: 11 },
  { index: 968, name: "cup", score: 7 },
  { index: 899, name: "water jug", score: 1 },
];
const found = (typed: string) => search(labels, typed).map((label) => label.index);

test("nothing typed: all labels, the largest score first", () => {
  assert.deepEqual(found(""), [967, 968, 505, 504, 899, 9]);
});

test("names by their beginning, by a word, by any part", () => {
  assert.deepEqual(found("coff"), [505, 504]);
  assert.deepEqual(found("MUG"), [504]);
  assert.deepEqual(found("camel"), [9]);
  assert.deepEqual(found("up"), [968]);
  assert.deepEqual(found("zebra"), []);
});

test("an index is found first, then those that begin with it", () => {
  assert.deepEqual(found("967"), [967]);
  assert.deepEqual(found("9"), [9, 967, 968]);
});

test("the first of several names", () => {
  assert.equal(shortName("ostrich, Struthio camelus"), "ostrich");
});

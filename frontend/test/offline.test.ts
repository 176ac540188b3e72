import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { cuts, decode, together } from "../src/offline/decode.ts";
import { fieldOf, match, numbers, similarity } from "../src/offline/describe.ts";
import { Filters, nearby, type About } from "../src/offline/page.ts";
import { nearest, stepped } from "../src/offline/walk.ts";
import { ordinal } from "../src/offline/words.ts";

/** Words of windows, and the same as a page holds them. */
function packed(windows: { top: number; left: number; shape: number[]; values: number[] }[]): string {
  const places = windows.flatMap(({ top, left, shape }) => [top, left, shape[1]!, shape[2]!]);
  const values = windows.flatMap((one) => one.values);
  const buffer = new ArrayBuffer(4 * (places.length + values.length));
  new Int32Array(buffer, 0, places.length).set(places);
  new Float32Array(buffer, 4 * places.length).set(values);
  const plain = new Uint8Array(buffer);
  const size = plain.length / 4;
  const shuffled = plain.map((_, i) => plain[4 * (i % size) + Math.floor(i / size)]!);
  return deflateRawSync(shuffled).toString("base64");
}

const ONE = { top: 3, left: 250, shape: [2, 1, 3], values: [1, -2.5, 3e-38, 0.1, -0, 1e20] };
const TWO = { top: 0, left: 0, shape: [2, 2, 1], values: [4, 5, 6, 7] };

test("bytes that lie apart come together", () => {
  assert.deepEqual([...together(new Uint8Array([1, 5, 2, 6, 3, 7, 4, 8]))], [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("windows come back bit by bit", async () => {
  const found = await decode(packed([ONE, TWO]), 2, 2);
  for (const [cut, given] of [[found[0]!, ONE], [found[1]!, TWO]] as const) {
    assert.equal(cut.top, given.top);
    assert.equal(cut.left, given.left);
    assert.deepEqual(cut.map.shape, given.shape);
    assert.deepEqual(new Uint8Array(cut.map.values.slice().buffer), new Uint8Array(new Float32Array(given.values).buffer));
  }
});

test("an empty window is one", () => {
  const words = new Uint8Array(new Int32Array([0, 0, 0, 0]).buffer);
  assert.deepEqual(cuts(words, 1, 3)[0]!.map.shape, [3, 0, 0]);
});

test("pieces are opened when they are asked for, once", async () => {
  const asked: string[] = [];
  const held: Record<string, string> = { "piece-kept": packed([TWO, ONE]), "piece-0-0": packed([ONE, TWO]), "piece-0-1": packed([TWO]) };
  const about = { rows: [2, 6], columns: [0, 4, 8], piece: 2, kept: [[2, 3], [5, 4]] as [number, number][] };
  const filters = new Filters(about, 2, (id) => (asked.push(id), held[id] ?? null));
  assert.equal((await filters.at(2, 4)).map.values[3], 7);
  assert.equal((await filters.at(2, 0)).left, 250);
  assert.equal((await filters.at(2, 8)).map.values[0], 4);
  assert.deepEqual(asked, ["piece-0-0", "piece-0-1"]);
  assert.equal((await filters.at(5, 4)).left, 250);
  assert.equal((await filters.at(2, 3)).left, 0);
  await assert.rejects(filters.at(6, 0), /cut short/);
});

test("a piece that is broken is an error, and asked for again", async () => {
  let text = "AAAA";
  const filters = new Filters({ rows: [0], columns: [0], piece: 1, kept: [] }, 2, () => text);
  await assert.rejects(filters.at(0, 0));
  text = packed([TWO]);
  assert.equal((await filters.at(0, 0)).map.values[1], 5);
});

test("the numbers of a filter are those of its energy", () => {
  // Values 3 at the point and 4 two pixels to the right of it: energy 9 and 16.
  const cut = { top: 5, left: 5, map: { shape: [1, 1, 3], values: new Float32Array([3, 0, 4]) } };
  const found = numbers(cut, [5, 5], 1);
  assert.equal(found.energy, 25);
  assert.deepEqual(found.radii, { "0.5": 2, "0.9": 2, "0.99": 2 });
  assert.deepEqual(found.centroid, [0, (16 * 2) / 25]);
  assert.equal(found.far, 16 / 25);
  assert.equal(numbers({ ...cut, map: { shape: [1, 1, 3], values: new Float32Array(3) } }, [5, 5]).energy, 0);
});

const ABOUT = { kind: "column", channel: null, input_shape: [1, 30, 30], output_shape: [1, 30, 30] } as unknown as About;

/** A filter of one channel at a pixel. */
function filter(row: number, column: number, top: number, left: number, height: number, width: number, values: number[]) {
  return fieldOf(ABOUT, row, column, { top, left, map: { shape: [1, height, width], values: new Float32Array(values) } });
}

test("a filter of the page says what the server's would", () => {
  const about = { ...ABOUT, channel: 1, output_shape: [2, 60, 60] } as unknown as About;
  const { header } = fieldOf(about, 4, 7, { top: 8, left: 13, map: { shape: [2, 1, 1], values: new Float32Array([3, 4]) } });
  assert.deepEqual(header.start, [0, 8, 13]);
  assert.deepEqual(header.point, [8.5, 14.5]);
  assert.deepEqual(header.shape, [2, 60, 60]);
  assert.equal(header.energy, 25);
  assert.deepEqual([header.row, header.column, header.channel, header.kind], [4, 7, 1, "column"]);
});

test("filters are compared where their points lie on each other", () => {
  const one = filter(2, 2, 2, 2, 2, 2, [1, 2, 3, 4]);
  assert.ok(Math.abs(similarity(one, filter(7, 9, 7, 9, 2, 2, [2, 4, 6, 8]))! - 1) < 1e-12);
  assert.equal(similarity(one, filter(20, 20, 7, 9, 2, 2, [2, 4, 6, 8])), 0);
  assert.ok(Math.abs(similarity(one, filter(2, 2, 3, 2, 1, 2, [3, 4]))! - 25 / (5 * Math.sqrt(30))) < 1e-12);
  assert.equal(similarity(one, filter(2, 2, 2, 2, 2, 2, [0, 0, 0, 0])), null);
});

test("a point lies in the middle of what it stands for", () => {
  assert.equal(match(0, 4, 8), 0.5);
  assert.equal(match(3, 8, 4), 1.25);
  assert.equal(match(5, 7, 7), 5);
});

test("the light steps from place to place", () => {
  const places = [1, 5, 9, 13];
  assert.equal(nearest(places, 6), 5);
  assert.equal(stepped(places, 5, 6, true), 9);
  assert.equal(stepped(places, 5, 4, true), 1);
  assert.equal(stepped(places, 1, -9, true), 1);
  assert.equal(stepped(places, 1, 11, true), 9);
  assert.equal(stepped(places, 13, 14, true), 13);
  assert.equal(stepped(places, 1, 6, false), 5);
  assert.equal(stepped(places, 9, 9, true), 9);
  // From between them.
  assert.equal(stepped(places, 7, 8, true), 9);
  assert.equal(stepped(places, 7, 6, true), 5);
  assert.equal(stepped(places, 7, 7, true), 5);
});

test("the light goes to what is held", () => {
  const about = { rows: [1, 5], columns: [0, 4], kept: [[2, 3]] as [number, number][] };
  assert.deepEqual(nearby(about, [1, 0], [2, 3], false), [2, 3]);
  assert.deepEqual(nearby(about, [1, 0], [2, 2], false), [1, 0]);
  assert.deepEqual(nearby(about, [2, 3], [2, 4], true), [1, 4]);
  assert.deepEqual(nearby(about, [1, 4], [2, 4], true), [5, 4]);
});

test("every n-th", () => {
  assert.deepEqual([2, 3, 4, 11, 12, 21, 22, 113].map(ordinal), ["2nd", "3rd", "4th", "11th", "12th", "21st", "22nd", "113th"]);
});

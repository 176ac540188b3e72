import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldHeader, Subject } from "../src/core/types.ts";
import { across, parse, write } from "../src/views/flashlight/address.ts";
import { bicubicField } from "../src/views/flashlight/bicubic.ts";
import { factsOf } from "../src/views/flashlight/facts.ts";
import { Newest } from "../src/views/flashlight/newest.ts";
import { fieldLimit, lookAt, outlines, paintField, reachOf, valueAt, windowOf, type Field } from "../src/views/flashlight/paint.ts";
import { sessionOf } from "../src/views/flashlight/session.ts";
import { Kept, spotOf } from "../src/views/flashlight/sources.ts";

// Node has no ImageData.
(globalThis as Record<string, unknown>)["ImageData"] ??= class {
  readonly data: Uint8ClampedArray;
  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8ClampedArray(4 * width * height);
  }
};

const subject = {
  id: "s", model: "espcn_x2", image: "espresso", side: 16, kind: "super-resolution", input_shape: [3, 16, 20], output_shape: [3, 32, 40], scale: 2,
  input_channels: ["B", "G", "R"], output_channels: ["B", "G", "R"],
} as unknown as Subject;

function field(start: [number, number, number], shape: [number, number, number], values: number[], point: [number, number] = [10, 10]): Field {
  const header = {
    kind: "column", channel: null, row: 5, column: 5, shape: [3, 32, 40], start, point, energy: 1, radii: { "0.5": 0, "0.9": 1.5, "0.99": 3 },
    centroid: [0.25, -1], orientation: 179.7, frequency: 0.2, far: 0, near: 16, seconds: 0.012,
  } as FieldHeader;
  return { header, values: { shape, values: Float32Array.from(values) } };
}

// Questions

function later<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("of the questions that come while one is asked only the newest is asked", async () => {
  const asked: number[] = [];
  const answers = new Map<number, ReturnType<typeof later<string>>>();
  const got: string[] = [];
  const busy: boolean[] = [];
  const newest = new Newest<number, string>(
    (question) => {
      asked.push(question);
      const answer = later<string>();
      answers.set(question, answer);
      return answer.promise;
    },
    (answer) => got.push(answer),
    () => got.push("failed"),
    (on) => busy.push(on),
  );
  for (const question of [1, 2, 3, 4]) newest.want(question);
  assert.deepEqual(asked, [1]);
  answers.get(1)!.resolve("one");
  await turn();
  assert.deepEqual(asked, [1, 4]);
  assert.deepEqual(got, ["one"]);
  answers.get(4)!.reject(new Error());
  await turn();
  assert.deepEqual(got, ["one", "failed"]);
  newest.want(5);
  newest.forget();
  answers.get(5)!.resolve("five");
  await turn();
  assert.deepEqual(got, ["one", "failed"]);
  assert.deepEqual(busy, [true, false, true, false]);
});

// Paint

test("a window is painted where it begins, each channel by its name", () => {
  const one = field([1, 8, 9], [2, 2, 3], [1, 0, 0, 0, 0, 0, -2, 0, 0, 0, 0, 2]);
  assert.deepEqual(windowOf(one), { top: 8, left: 9, height: 2, width: 3 });
  const names = subject.output_channels;
  assert.equal(valueAt(one, "G", names, 8, 9), 1);
  assert.equal(valueAt(one, "R", names, 8, 9), -2);
  assert.equal(valueAt(one, "B", names, 8, 9), 0);
  assert.equal(valueAt(one, "sum", names, 9, 11), 2);
  assert.equal(valueAt(one, "sum", names, 10, 11), null);
  const painted = paintField(one, "colour", names, 2, "light");
  assert.deepEqual(painted.place, windowOf(one));
  assert.deepEqual([...painted.image.data.slice(0, 4)], [0, 191, 128, 255]);
  const signed = paintField(one, "R", names, fieldLimit(one, "R", names), "light");
  assert.deepEqual([...signed.image.data.slice(0, 3)], [5, 48, 97]);
  assert.equal(signed.ground, "rgb(247 247 247)");
});

test("the zoom fits the largest window and does not change where windows are cut", () => {
  const middle = field([0, 6, 6], [1, 9, 9], Array(81).fill(1));
  const corner = field([0, 0, 0], [1, 5, 5], Array(25).fill(1), [0, 0]);
  assert.equal(reachOf(middle), 4);
  assert.equal(reachOf(corner), 4);
  const zooms = [middle, corner].map((one) => lookAt(one.header, "window", 4));
  assert.equal(zooms[0]!.zoom, zooms[1]!.zoom);
  assert.ok(zooms[0]!.zoom <= 32 / 9 && zooms[0]!.zoom > 2);
  assert.deepEqual(zooms[1]!.centre, [0, 0]);
  assert.equal(lookAt(middle.header, "near", 4).zoom, 32 / 5);
  assert.equal(lookAt(middle.header, "near", 40).zoom, 1);
  assert.deepEqual(lookAt(middle.header, "whole", 4), { centre: null, zoom: 1 });
  assert.deepEqual(lookAt(middle.header, "window", 40), { centre: null, zoom: 1 });
});

test("circles lie around the pixel, the window first", () => {
  const boxes = outlines(field([0, 6, 6], [1, 9, 9], Array(81).fill(1)), true);
  assert.deepEqual(boxes.map(({ tone }) => tone), ["window", "soft", "soft"]);
  assert.deepEqual(boxes[1], { top: 9, left: 9, height: 3, width: 3, tone: "soft", round: true });
});

test("facts come in one order with units", () => {
  const facts = factsOf(field([0, 6, 6], [1, 9, 9], Array(81).fill(1)));
  assert.deepEqual(facts.map(({ text }) => text), ["0, 1.5, 3.0 px", "0 %", "0.3 down, 1.0 left", "0°", "0.20 / px", "1", "9 × 9 px", "12 ms"]);
});

// The address

const reader = (text: string) => {
  const given = new URLSearchParams(text);
  return (key: string) => given.get(key);
};

test("what is written is read again, whole", () => {
  const text = "kind=row&at=1,31,39&pins=column,all,3,4_row,2,0,0&path=1,2_3,4_31,39&beside=none&zoom=near&show=R&hold=0.125&contrast=16&same=no&circles=no";
  const { state, problems } = parse(reader(text), subject);
  assert.deepEqual(problems, []);
  assert.deepEqual([state.channel, state.row, state.column, state.hold, state.pins.length, state.path.length], [1, 31, 39, 0.125, 2, 3]);
  const written = write(state, subject);
  assert.deepEqual(parse((key) => written[key] ?? null, subject).state, state);
  assert.deepEqual(written, Object.fromEntries(new URLSearchParams(text)));
});

test("what cannot be is replaced, and said", () => {
  for (const at of ["3,0,0", "0,16,0", "0,0,20", "all,1", "-1,0,0", "x"]) {
    const { state, problems } = parse(reader(`at=${at}`), subject);
    assert.deepEqual([state.channel, state.row, state.column], [null, 8, 10], at);
    assert.equal(problems.length, 1, at);
  }
  const { state, problems } = parse(reader("kind=diagonal&zoom=3&show=X&hold=-1&pins=row,0,99,0_column,0,1,1&path=1,2"), subject);
  assert.deepEqual([state.kind, state.zoom, state.show, state.hold, state.pins.length, state.path.length], ["column", "window", "sum", null, 1, 0]);
  assert.equal(problems.length, 6);
  assert.equal(parse(reader(""), subject).state.beside, "bicubic");
});

test("a place keeps its place in the other picture and in another network", () => {
  assert.deepEqual(across(subject, "column", [8, 10]), [17, 21]);
  assert.deepEqual(across(subject, "row", [17, 21]), [8, 10]);
  const other = { ...subject, id: "t", input_channels: ["R", "G", "B"], output_shape: [3, 64, 80] } as Subject;
  assert.deepEqual(spotOf(subject, other, { kind: "column", channel: 0, row: 3, column: 4 }), { kind: "column", channel: 2, row: 3, column: 4 });
  assert.deepEqual(spotOf(subject, other, { kind: "row", channel: null, row: 31, column: 39 }), { kind: "row", channel: null, row: 63, column: 79 });
});

// Bicubic interpolation

test("rows of bicubic interpolation sum to 1, at borders too, and columns agree with rows", () => {
  const [input, output] = [[1, 6, 7], [1, 12, 14]] as [[number, number, number], [number, number, number]];
  for (const [row, column] of [[0, 0], [5, 6], [11, 13]] as const) {
    const one = bicubicField("row", input, output, 0, row, column);
    const sum = one.values.values.reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(sum - 1) < 1e-6);
    for (const [r, c] of [[0, 0], [2, 3], [5, 6]] as const) {
      const value = valueAt(one, "sum", ["Y"], r, c) ?? 0;
      const column_ = bicubicField("column", input, output, 0, r, c);
      assert.ok(Math.abs((valueAt(column_, "sum", ["Y"], row, column) ?? 0) - value) < 1e-6);
    }
  }
  // Keys' cubic a quarter of a pixel after the sample; all of these are float32 numbers.
  assert.deepEqual([...bicubicField("row", [1, 9, 1], [1, 18, 1], 0, 9, 0).values.values], [-0.0703125, 0.8671875, 0.2265625, -0.0234375]);
  const { header } = bicubicField("row", input, output, null, 5, 6);
  assert.deepEqual(header.point, [2.25, 2.75]);
  assert.ok(header.radii["0.5"] <= header.radii["0.9"] && header.radii["0.9"] <= header.radii["0.99"]);
});

// What is kept

test("the filters that were seen longest ago are dropped first", () => {
  const kept = new Kept(3 * 4);
  const small = (value: number) => field([0, 0, 0], [1, 1, 1], [value]);
  for (const key of ["a", "b", "c"]) kept.set(key, small(1));
  kept.get("a");
  kept.set("d", small(2));
  assert.deepEqual(["a", "b", "c", "d"].map((key) => Boolean(kept.get(key))), [true, false, true, true]);
  kept.set("e", field([0, 0, 0], [1, 2, 4], Array(8).fill(0)));
  assert.ok(kept.get("e"));
  assert.equal(kept.get("a"), undefined);
});

test("a page takes along what is of its kind and channel", () => {
  const all = { channel: null, row: 10, column: 20 };
  const { state } = parse(() => null, subject);
  const chosen = {
    ...state,
    ...all,
    pins: [{ kind: "column" as const, ...all }, { kind: "column" as const, ...all, channel: 0 }, { kind: "row" as const, ...all }],
    path: [[1, 2], [3, 4]] as [number, number][],
    beside: "another",
  };
  const { query, said } = sessionOf(subject, chosen, "column", 4);
  assert.deepEqual(query, { kind: "column", stride: 4, channel: null, at: "10,20", pins: "10,20", path: "1,2_3,4" });
  assert.equal(said, "It holds filters of all channels at once, the light, 1 pin, the path and bicubic interpolation. Left out: 2 pins of another kind or channel and another.");
  const rows = sessionOf(subject, { ...chosen, pins: [], path: [], channel: 2, beside: "none" }, "row", 2);
  assert.deepEqual(rows.query, { kind: "row", stride: 2, channel: 2, at: across(subject, "column", [10, 20]).join(","), pins: null, path: null });
  assert.equal(rows.said, "It holds filters of channel R, the light and bicubic interpolation.");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal, type Api } from "../src/core/api.ts";
import type { Triplet } from "../src/core/types.ts";
import { Search } from "../src/views/spectrum/search.ts";

type Event = { event: string; data: unknown };
const triplet = (index: number, coefficient = 2): Triplet => ({ index, value: 3 - index, residual: 1e-4, coefficient });
const step = (products: number, residual: number | null) => ({ event: "step", data: { products, most: 100, wanted: 2, converged: 0, residual } });
const done = (...triplets: Triplet[]) => ({
  event: "done",
  data: { triplets: triplets.map((one) => ({ ...one, converged: one.index < 2 })), clusters: [], products: 20, tol: 1e-3, complete: true, seconds: 1, notes: [] },
});
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A server that says these events; `asked` lists the indices of the vectors it was asked for. */
function server(events: Event[], ending?: Error, lost = -1, residual = 1e-4) {
  const asked: number[] = [];
  const api = {
    async *stream(_path: string, _query: unknown, signal?: AbortSignal) {
      for (const event of events) {
        await Promise.resolve();
        if (signal?.aborted) throw new DOMException("dropped", "AbortError");
        yield event;
      }
      if (ending) throw ending;
    },
    async triplet(_subject: string, _k: number, _tol: number, index: number) {
      asked.push(index);
      if (index === lost) throw new Refusal("gone", "It is not there.", 404);
      const map = { shape: [1, 1, 1], values: Float32Array.of(index) };
      return { header: { residual }, arrays: { eigen_input: map, eigen_output: map } };
    },
  };
  return { api: api as unknown as Pick<Api, "stream" | "triplet">, asked };
}

test("what streams in is kept, and its vectors are fetched once", async () => {
  const { api, asked } = server([step(2, null), step(4, 0.5), { event: "triplet", data: triplet(0) }, { event: "triplet", data: triplet(1) }, done(triplet(0), triplet(1))]);
  const changes: string[] = [];
  const search = new Search(api, "s", new AbortController().signal, (what) => changes.push(what));
  await search.start(2, 1e-3);
  await settled();
  assert.equal(search.phase, "done");
  assert.deepEqual(search.trail, [{ products: 4, residual: 0.5 }]);
  assert.deepEqual(asked, [0, 1]);
  assert.equal(search.arrived.length, 2);
  assert.ok(changes.includes("step") && changes.includes("pair") && changes.at(-1) !== undefined);
});

test("a vector that turned before the end is fetched again, and what did not converge is said", async () => {
  const { api, asked } = server([{ event: "triplet", data: triplet(0, 2) }, { event: "triplet", data: triplet(0, -2) }, done(triplet(0, -2), triplet(1), triplet(2))]);
  const search = new Search(api, "s", new AbortController().signal, () => undefined);
  await search.start(3, 1e-3);
  await settled();
  assert.deepEqual(asked.slice(0, 2), [0, 0]);
  assert.deepEqual([...new Set(asked)], [0, 1, 2]);
  assert.equal(search.pairs[0]!.vectors!.triplet.coefficient, -2);
  assert.deepEqual(search.pairs.map((pair) => pair.converged), [true, true, false]);
});

test("a triplet that comes again unchanged is not fetched again, but the last vectors are", async () => {
  const again = [1, 2, 3].map(() => ({ event: "triplet", data: triplet(0) }));
  const slow = Array.from({ length: 20 }, () => step(5, 0.1));
  const kept = server([again[0]!, ...slow, ...again, done(triplet(0))]);
  await new Search(kept.api, "s", new AbortController().signal, () => undefined).start(1, 1e-3);
  assert.deepEqual(kept.asked, [0]);
  const refined = server([again[0]!, ...slow, ...again, done(triplet(0))], undefined, -1, 2e-4);
  await new Search(refined.api, "s", new AbortController().signal, () => undefined).start(1, 1e-3);
  assert.deepEqual(refined.asked, [0, 0]);
});

test("stopping keeps what has arrived", async () => {
  const { api } = server([{ event: "triplet", data: triplet(0) }, step(4, 0.1), step(6, 0.1), done(triplet(0))]);
  const search: Search = new Search(api, "s", new AbortController().signal, (what) => {
    if (what === "step") search.stop();
  });
  await search.start(2, 1e-3);
  await settled();
  assert.equal(search.phase, "stopped");
  assert.equal(search.arrived.length, 1);
  assert.equal(search.done, null);
});

test("an error of the stream is kept beside what has arrived", async () => {
  const { api } = server([{ event: "triplet", data: triplet(0) }], new Refusal("busy", "Too much to do.", 200));
  const search = new Search(api, "s", new AbortController().signal, () => undefined);
  await search.start(2, 1e-3);
  await settled();
  assert.deepEqual([search.phase, search.error, search.pairs.length], ["failed", "Too much to do.", 1]);
});

test("vectors that do not come are said on their pair, and end the rebuild before it", async () => {
  const { api } = server([{ event: "triplet", data: triplet(0) }, { event: "triplet", data: triplet(1) }, { event: "triplet", data: triplet(2) }], undefined, 1);
  const search = new Search(api, "s", new AbortController().signal, () => undefined);
  await search.start(10, 1e-3);
  await settled();
  assert.equal(search.pairs[1]!.problem, "It is not there.");
  assert.equal(search.arrived.length, 1);
});

test("a new search forgets the old one, and the old one's answers are not taken", async () => {
  const { api } = server([{ event: "triplet", data: triplet(0) }, { event: "triplet", data: triplet(1) }, done(triplet(0), triplet(1))]);
  const search = new Search(api, "s", new AbortController().signal, () => undefined);
  const first = search.start(2, 1e-3);
  const second = search.start(2, 1e-4);
  await Promise.all([first, second]);
  await settled();
  assert.deepEqual([search.phase, search.tol, search.pairs.length], ["done", 1e-4, 2]);
});

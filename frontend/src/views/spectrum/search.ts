// One search for singular triplets: the stream, what has arrived of it, and the vectors fetched behind it.

import { wasDropped, type Api } from "../../core/api.ts";
import { floats, type Picture } from "../../core/packet.ts";
import type { SpectrumDone, SpectrumStep, Triplet } from "../../core/types.ts";

export interface Vectors {
  input: Picture<Float32Array>;
  output: Picture<Float32Array>;
  /** The numbers that belong to them: of the triplet as it was when they were asked for. */
  triplet: Triplet;
  /** The residual that the server sent with them, which tells them from earlier ones. */
  residual: number | undefined;
}

export interface Pair {
  triplet: Triplet;
  converged: boolean;
  /** Earlier ones stay until newer ones are here. */
  vectors: Vectors | null;
  /** The triplet whose vectors are on their way. */
  coming: Triplet | null;
  /** Why the vectors did not come. */
  problem: string | null;
}

export type Phase = "idle" | "running" | "done" | "stopped" | "failed";
export type Change = "phase" | "step" | "pair";

export class Search {
  phase: Phase = "idle";
  k = 0;
  tol = 0;
  step: SpectrumStep | null = null;
  /** Products and largest residual of every step. */
  trail: { products: number; residual: number }[] = [];
  /** By index; there are no gaps, as triplets arrive in order. One may arrive again, changed. */
  pairs: Pair[] = [];
  done: SpectrumDone | null = null;
  error: string | null = null;
  private stream = new AbortController();
  private vectors = new AbortController();

  constructor(
    private readonly api: Pick<Api, "stream" | "triplet">,
    private readonly subject: string,
    signal: AbortSignal,
    private readonly changed: (what: Change, index: number) => void,
  ) {
    signal.addEventListener("abort", () => {
      this.stream.abort();
      this.vectors.abort();
    });
  }

  /** The pairs from the first on whose vectors are here. */
  get arrived(): Pair[] {
    const gap = this.pairs.findIndex((pair) => pair.vectors === null);
    return gap < 0 ? this.pairs : this.pairs.slice(0, gap);
  }

  /** Forget what there is and begin anew. */
  async start(k: number, tol: number): Promise<void> {
    this.stream.abort();
    this.vectors.abort();
    const stream = (this.stream = new AbortController());
    this.vectors = new AbortController();
    Object.assign(this, { phase: "running", k, tol, step: null, trail: [], pairs: [], done: null, error: null });
    this.changed("phase", -1);
    try {
      for await (const { event, data } of this.api.stream(`/api/subjects/${this.subject}/spectrum`, { k, tol }, stream.signal)) {
        if (stream !== this.stream || stream.signal.aborted) return;
        if (event === "step") this.stepped(data as SpectrumStep);
        else if (event === "triplet") this.found(data as Triplet);
        else if (event === "done") this.finished(data as SpectrumDone);
      }
    } catch (error) {
      if (stream !== this.stream || stream.signal.aborted) return;
      this.phase = wasDropped(error) ? "stopped" : "failed";
      if (this.phase === "failed") this.error = error instanceof Error ? error.message : String(error);
      this.changed("phase", -1);
    }
  }

  /** End the search and keep what has arrived. */
  stop(): void {
    if (this.phase !== "running") return;
    this.stream.abort();
    this.phase = "stopped";
    this.changed("phase", -1);
  }

  private stepped(step: SpectrumStep): void {
    this.step = step;
    if (step.residual !== null) this.trail.push({ products: step.products, residual: step.residual });
    this.changed("step", -1);
  }

  private found(triplet: Triplet): void {
    const pair = (this.pairs[triplet.index] ??= { triplet, converged: true, vectors: null, coming: null, problem: null });
    pair.triplet = triplet;
    this.changed("pair", triplet.index);
    const newest = pair.coming ?? pair.vectors?.triplet;
    if (!newest || !same(newest, triplet)) void this.fetch(pair);
  }

  private finished(done: SpectrumDone): void {
    this.done = done;
    this.phase = "done";
    const largest = done.triplets[0]?.value ?? 0;
    if (!this.trail.length && largest > 0) {
      // Found before and kept: there are no steps to draw but the last.
      this.trail.push({ products: done.products, residual: Math.max(...done.triplets.map(({ residual }) => residual)) / largest });
    }
    for (const { converged, ...triplet } of done.triplets) {
      const pair = (this.pairs[triplet.index] ??= { triplet, converged, vectors: null, coming: null, problem: null });
      Object.assign(pair, { triplet, converged });
      this.changed("pair", triplet.index);
      if (pair.vectors?.residual !== triplet.residual) void this.fetch(pair);
    }
    this.changed("phase", -1);
  }

  private async fetch(pair: Pair): Promise<void> {
    const { triplet } = pair;
    const { signal } = this.vectors;
    pair.coming = triplet;
    try {
      const packet = await this.api.triplet(this.subject, this.k, this.tol, triplet.index, signal);
      const { residual } = packet.header as { residual?: number };
      if (pair.coming !== triplet) return; // newer ones are on their way
      pair.vectors = { input: floats(packet, "eigen_input"), output: floats(packet, "eigen_output"), triplet, residual };
      pair.coming = pair.problem = null;
    } catch (error) {
      if (signal.aborted) return;
      if (pair.coming === triplet) pair.coming = null;
      pair.problem = error instanceof Error ? error.message : String(error);
    }
    if (!signal.aborted) this.changed("pair", triplet.index);
  }
}

/** Whether two triplets have the same vectors as far as can be seen. */
function same(a: Triplet, b: Triplet): boolean {
  const near = (one: number, other: number) => Math.abs(one - other) <= 1e-3 * Math.max(Math.abs(one), Math.abs(other));
  return near(a.value, b.value) && near(a.coefficient, b.coefficient);
}

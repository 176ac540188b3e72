// One search for singular triplets: the stream, what has arrived of it, and the vectors fetched behind it.

import { wasDropped, type Api } from "../../core/api.ts";
import { floats, type Picture } from "../../core/packet.ts";
import type { SpectrumDone, SpectrumStep, Triplet } from "../../core/types.ts";

export interface Pair {
  triplet: Triplet;
  converged: boolean;
  input: Picture<Float32Array> | null;
  output: Picture<Float32Array> | null;
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
  /** By index; there are no gaps, as triplets arrive in order. */
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
    const gap = this.pairs.findIndex((pair) => pair.output === null);
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
        else if (event === "triplet") this.found(data as Triplet, true);
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

  private found(triplet: Triplet, converged: boolean): void {
    this.pairs[triplet.index] = { triplet, converged, input: null, output: null, problem: null };
    this.changed("pair", triplet.index);
    void this.fetch(triplet.index);
  }

  private finished(done: SpectrumDone): void {
    this.done = done;
    this.phase = "done";
    for (const { converged, ...triplet } of done.triplets) {
      const here = this.pairs[triplet.index];
      // A vector may turn, or change its sign, until the last residual is measured.
      if (!here || !near(here.triplet.coefficient, triplet.coefficient) || !near(here.triplet.value, triplet.value)) {
        this.found(triplet, converged);
      } else {
        Object.assign(here, { triplet, converged });
        this.changed("pair", triplet.index);
      }
    }
    this.changed("phase", -1);
  }

  private async fetch(index: number): Promise<void> {
    const pair = this.pairs[index]!;
    const { signal } = this.vectors;
    try {
      const packet = await this.api.triplet(this.subject, this.k, this.tol, index, signal);
      pair.input = floats(packet, "eigen_input");
      pair.output = floats(packet, "eigen_output");
    } catch (error) {
      if (signal.aborted) return;
      pair.problem = error instanceof Error ? error.message : String(error);
    }
    if (!signal.aborted && this.pairs[index] === pair) this.changed("pair", index);
  }
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-3 * Math.max(Math.abs(a), Math.abs(b));
}

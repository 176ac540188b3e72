// How the search goes, and what it ended with. The place of every line is kept free from the start.

import { fill, h } from "../../core/dom.ts";
import { amount, count } from "../../core/words.ts";
import { residualChart, Plot } from "./plot.ts";
import type { Search } from "./search.ts";
import { clusterSentence, doneSentence, stepSentence } from "./sentences.ts";

export class Progress {
  readonly root: HTMLElement;
  readonly plot: Plot;
  private readonly bar: HTMLElement;
  private readonly filled = h("div");
  private readonly products = h("dd", { class: "num" }, "–");
  private readonly converged = h("dd", { class: "num" }, "–");
  private readonly residual = h("dd", { class: "num" }, "–");
  private readonly verdict = h("p", { class: "small spectrum-verdict" });
  private readonly notes = h("ul", { class: "small spectrum-notes", hidden: true });
  private readonly problem = h("div", { class: "problem", role: "alert", hidden: true });
  private readonly live = h("p", { class: "visually-hidden", "aria-live": "polite" });
  private readonly host = h("div", { class: "spectrum-plot", role: "img" });
  private frame = 0;

  constructor(signal: AbortSignal, again: () => void) {
    this.bar = h("div", { class: "progress", role: "progressbar", "aria-label": "Values converged", "aria-valuemin": 0 }, this.filled);
    this.again = again;
    const fact = (name: string, value: HTMLElement) => h("div", null, h("dt", null, name), value);
    this.root = h(
      "section",
      { class: "panel" },
      h("h2", { class: "panel-title" }, "The search"),
      h("dl", { class: "facts" }, fact("products", this.products), fact("converged", this.converged), fact("largest residual ÷ s₁", this.residual)),
      this.bar,
      this.host,
      h("div", { class: "spectrum-said" }, this.verdict, this.notes, this.problem),
      this.live,
    );
    this.plot = new Plot(this.host, signal);
    signal.addEventListener("abort", () => cancelAnimationFrame(this.frame));
  }

  private readonly again: () => void;

  /** Steps come faster than the screen; they are drawn once a frame. */
  show(search: Search): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw(search);
    });
  }

  private draw(search: Search): void {
    const { step, done, phase, k, tol } = search;
    const converged = done ? done.triplets.filter((triplet) => triplet.converged).length : Math.max(step?.converged ?? 0, search.pairs.length);
    const made = done?.products ?? step?.products;
    const ended = done?.triplets.length ? Math.max(...done.triplets.map(({ residual }) => residual)) / done.triplets[0]!.value : null;
    const reached = ended ?? step?.residual ?? null;
    fill(this.products, made === undefined ? "–" : step ? `${made.toLocaleString("en")} of at most ${step.most.toLocaleString("en")}` : made.toLocaleString("en"));
    fill(this.converged, k ? `${converged} of ${k}` : "–");
    fill(this.residual, reached === null ? "–" : `${amount(reached, 2)}, to reach ${amount(tol, 1)}`);
    this.bar.classList.toggle("indeterminate", phase === "running" && converged === 0);
    this.bar.setAttribute("aria-valuemax", String(k));
    this.bar.setAttribute("aria-valuenow", String(converged));
    this.filled.style.width = phase === "running" && converged === 0 ? "" : `${(100 * converged) / Math.max(k, 1)}%`;
    this.plot.show(residualChart(search.trail, tol));
    const residuals = search.trail.length ? `from ${amount(search.trail[0]!.residual, 2)} to ${amount(search.trail[search.trail.length - 1]!.residual, 2)}` : "none yet";
    this.host.setAttribute("aria-label", `The largest residual over the products made: ${residuals}; the tolerance is ${amount(tol, 1)}.`);

    const said = {
      idle: "",
      running: converged < k ? "Searching. Pairs are shown as they converge." : "All have converged. Looking whether a larger one was missed.",
      stopped: `Stopped. ${converged === 0 ? "Nothing had converged." : `${count(search.pairs.length, "pair")} had converged and ${search.pairs.length === 1 ? "is" : "are"} kept.`} Start searches again from the beginning.`,
      failed: "The search ended early; what had arrived is kept.",
      done: done ? doneSentence(done, k) : "",
    }[phase];
    fill(this.verdict, said);
    this.verdict.classList.toggle("spectrum-bad", done?.complete === false);
    const notes = done ? [...done.clusters.map(clusterSentence), ...(done.complete ? done.notes : done.notes.slice(1))] : [];
    this.notes.hidden = notes.length === 0;
    fill(this.notes, ...notes.map((note) => h("li", null, note)));
    const spoken = phase === "running" ? (step ? stepSentence(step) : "Searching.") : said;
    if (this.live.textContent !== spoken) this.live.textContent = spoken;
    if (this.problem.hidden === (phase === "failed")) {
      this.problem.hidden = phase !== "failed";
      fill(this.problem, h("p", null, h("strong", null, search.error)), h("button", { class: "button", type: "button", onclick: this.again }, "Start again"));
    }
  }
}

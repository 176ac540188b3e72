// The singular values as a chart, and as a table for whoever does not see the chart.

import { fill, h } from "../../core/dom.ts";
import { amount, signed } from "../../core/words.ts";
import { segmented } from "./controls.ts";
import { Plot, valuesChart } from "./plot.ts";
import type { Pair } from "./search.ts";
import { gain, share } from "./sentences.ts";

export class Values {
  readonly root: HTMLElement;
  readonly plot: Plot;
  private readonly host = h("div", { class: "spectrum-plot", role: "img" });
  private readonly readout = h("p", { class: "small soft num spectrum-readout" });
  private readonly body = h("tbody");
  private readonly scales;
  private pairs: readonly Pair[] = [];

  constructor(signal: AbortSignal, scaled: (scale: "linear" | "log") => void) {
    this.scales = segmented<"linear" | "log">("Scale", [["linear", "Linear"], ["log", "Log"]], scaled);
    this.scales.root.querySelector("legend")!.className = "visually-hidden";
    const heads = ["index", "s", "residual", "⟨v, x⟩", "share of F x"];
    this.root = h(
      "section",
      { class: "panel" },
      h("div", { class: "toolbar spectrum-head" }, h("h2", { class: "panel-title" }, "Singular values"), h("span", { class: "push" }), this.scales.root),
      this.host,
      this.readout,
      h(
        "details",
        { class: "small" },
        h("summary", null, "Values as a table"),
        h(
          "div",
          { class: "table", tabindex: 0, role: "region", "aria-label": "Singular values" },
          h("table", null, h("thead", null, h("tr", null, ...heads.map((head, i) => h("th", { scope: "col", class: i ? "num" : "" }, head)))), this.body),
        ),
      ),
    );
    this.plot = new Plot(this.host, signal, (place) => this.pointed(place));
  }

  show(pairs: readonly Pair[], wanted: number, scale: "linear" | "log", shares: (number | null)[]): void {
    this.pairs = pairs;
    this.scales.show(scale);
    const values = pairs.map((pair) => ({ value: pair.triplet.value, converged: pair.converged }));
    this.plot.show(valuesChart(values, wanted, scale === "log"));
    const said = values.map(({ value }, i) => `${i + 1}: ${gain(value)}`).join(", ");
    this.host.setAttribute("aria-label", `Singular values by index. ${said || "None yet"}.`);
    this.pointed(null);
    const rows = pairs.map(({ triplet, converged }, i) =>
      h(
        "tr",
        null,
        h("th", { scope: "row" }, `${i + 1}${converged ? "" : " (not converged)"}`),
        ...[amount(triplet.value, 5), amount(triplet.residual, 2), signed(triplet.coefficient, 4), shares[i] == null ? "–" : share(shares[i]!)].map((text) => h("td", { class: "num" }, text)),
      ),
    );
    fill(this.body, ...(rows.length ? rows : [h("tr", null, h("td", { colspan: 5 }, "None yet."))]));
  }

  private pointed(place: number | null): void {
    const pair = place === null ? undefined : this.pairs[place];
    const hollow = this.pairs.some(({ converged }) => !converged) ? " Hollow points have not converged." : "";
    fill(this.readout, pair ? `s${place! + 1 < 10 ? "₀₁₂₃₄₅₆₇₈₉"[place! + 1] : ` ${place! + 1}`} = ${amount(pair.triplet.value, 5)}` : this.pairs.length ? `Largest ${gain(this.pairs[0]!.triplet.value)}.${hollow}` : "None yet.");
  }
}

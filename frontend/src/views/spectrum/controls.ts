// The controls of the search and of how its pictures are drawn.

import { h, newId } from "../../core/dom.ts";
import type { Phase } from "./search.ts";
import { TOLERANCES, type Limits, type Settings, type Tolerance } from "./settings.ts";

export interface Segmented<T extends string> {
  root: HTMLElement;
  show(value: T): void;
}

/** A strip of choices of which one holds. */
export function segmented<T extends string>(title: string, choices: [value: T, text: string][], chosen: (value: T) => void, off?: T): Segmented<T> {
  const name = newId("spectrum");
  const inputs = choices.map(([value]) =>
    h("input", { type: "radio", name, value, disabled: value === off, onchange: () => chosen(value) }),
  );
  const labels = choices.map(([, text], i) => h("label", null, inputs[i]!, h("span", null, text)));
  return {
    root: h("fieldset", { class: "segmented" }, h("legend", null, title), ...labels),
    show: (value) => inputs.forEach((input) => (input.checked = input.value === value)),
  };
}

export class SearchControls {
  readonly parts: HTMLElement[];
  private readonly count: HTMLInputElement;
  private readonly tolerance: HTMLSelectElement;
  private readonly button: HTMLButtonElement;

  constructor(
    private readonly limits: Limits,
    private readonly on: { asked(k: number, tol: Tolerance): void; toggle(): void },
  ) {
    this.count = h("input", { type: "number", min: 1, max: limits.vectors, step: 1, inputmode: "numeric", onchange: () => this.changed() });
    this.tolerance = h(
      "select",
      { onchange: () => this.changed() },
      ...TOLERANCES.map((value) => h("option", { value }, value.replace("-", "−"))),
    );
    this.button = h("button", { class: "button spectrum-toggle", type: "button", onclick: () => this.on.toggle() }, "Stop");
    this.parts = [
      h("label", { class: "control" }, h("span", null, `Values, 1 to ${limits.vectors}`), this.count),
      h("label", { class: "control" }, h("span", null, "Tolerance"), this.tolerance),
      this.button,
    ];
  }

  show(settings: Settings, phase: Phase): void {
    if (document.activeElement !== this.count) this.count.value = String(settings.k);
    this.tolerance.value = settings.tol;
    this.button.textContent = phase === "running" ? "Stop" : "Start";
  }

  private changed(): void {
    const k = Math.round(Math.min(Math.max(this.count.valueAsNumber || 1, 1), this.limits.vectors));
    this.count.value = String(k);
    this.on.asked(k, this.tolerance.value as Tolerance);
  }
}

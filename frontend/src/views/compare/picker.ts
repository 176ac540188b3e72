// Which methods are asked: checkboxes by family.

import { fill, h, newId } from "../../core/dom.ts";
import type { MethodInfo } from "../../core/types.ts";
import { byFamily, capital } from "./words.ts";

export class MethodPicker {
  readonly element: HTMLDetailsElement;
  /** Of the methods that can be asked. */
  private readonly boxes = new Map<string, HTMLInputElement>();
  private readonly summary = h("span", { class: "num" });
  private readonly note = h("p", { class: "soft small", role: "status" });

  constructor(
    methods: MethodInfo[],
    private readonly most: number,
    private readonly pick: (names: string[]) => void,
    first: string[],
  ) {
    const families = byFamily(methods).map(([family, list]) =>
      h("fieldset", { class: "method-family" }, h("legend", null, capital(family)), ...list.map((method) => this.line(method))),
    );
    const reset = h("button", { type: "button", class: "button", onclick: () => pick(first) }, "First look");
    this.element = h(
      "details",
      { class: "method-picker" },
      h("summary", null, h("span", null, "Methods"), this.summary),
      h("div", { class: "method-head" }, this.note, reset),
      h("div", { class: "method-grid" }, ...families),
    );
  }

  private line(method: MethodInfo): HTMLElement {
    const reason = method.needs ? h("p", { class: "soft small", id: newId("needs") }, method.needs) : null;
    const box = h("input", { type: "checkbox", value: method.name, disabled: reason !== null, "aria-describedby": reason?.id ?? null, onchange: () => this.toggle(method.name) });
    if (!reason) this.boxes.set(method.name, box);
    const label = h("label", { class: "method-line" }, box, h("span", null, h("span", null, capital(method.title)), " ", h("span", { class: "soft small" }, method.source)));
    return h("div", null, label, reason);
  }

  private chosen: string[] = [];

  private toggle(name: string): void {
    const { checked } = this.boxes.get(name)!;
    const next = checked ? [...this.chosen, name] : this.chosen.filter((other) => other !== name);
    if (next.length === 0) {
      this.boxes.get(name)!.checked = true;
      this.note.textContent = "One method at least is asked. Choose another before you take this one away.";
      return;
    }
    this.pick(next);
  }

  show(names: string[]): void {
    this.chosen = names;
    const full = names.length >= this.most && this.most < this.boxes.size;
    for (const [name, box] of this.boxes) {
      box.checked = names.includes(name);
      box.disabled = full && !box.checked;
    }
    fill(this.summary, `${names.length} of ${this.most === this.boxes.size ? this.most : `at most ${this.most}`}`);
    this.note.textContent = full ? `${this.most} methods are the most at once. Take one away to choose another.` : "They are asked in the order in which they are chosen.";
  }
}

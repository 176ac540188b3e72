// The views as tabs. Arrow keys move the focus; Enter opens. A view that does not fit says why.

import { fill, h } from "../core/dom.ts";
import type { Kind, Studio } from "../core/types.ts";
import { misfit, type Known } from "./choice.ts";

export class Tabs {
  private readonly buttons: HTMLButtonElement[];

  constructor(
    root: HTMLElement,
    private readonly views: Known[],
    private readonly stage: HTMLElement,
    private readonly open: (view: string) => void,
    private readonly refuse: (reason: string) => void,
  ) {
    this.buttons = views.map((view, at) =>
      h(
        "button",
        { type: "button", role: "tab", id: `tab-${view.name}`, class: "tab", tabindex: at ? -1 : 0, "aria-selected": "false", "aria-controls": stage.id, onclick: () => this.choose(at) },
        h("span", { "data-text": view.title }, view.title),
      ),
    );
    const list = h("div", { class: "tab-list", role: "tablist", "aria-label": "Views" }, ...this.buttons);
    list.addEventListener("keydown", (event) => this.key(event));
    fill(root, list);
  }

  /** Which view is open, and which fit; a kind of null fits all. */
  show(open: string, kind: Kind | null, studio: Studio): void {
    this.views.forEach((view, at) => {
      const button = this.buttons[at]!;
      const selected = view.name === open;
      const reason = kind !== null && !view.fits(kind) ? misfit(view, kind, studio) : "";
      button.setAttribute("aria-selected", String(selected));
      button.tabIndex = selected ? 0 : -1;
      if (reason) {
        button.setAttribute("aria-disabled", "true");
        button.title = reason;
      } else {
        button.removeAttribute("aria-disabled");
        button.removeAttribute("title");
      }
      if (selected) this.stage.setAttribute("aria-labelledby", button.id);
    });
  }

  private choose(at: number): void {
    const button = this.buttons[at]!;
    if (button.getAttribute("aria-disabled") === "true") this.refuse(button.title);
    else if (button.getAttribute("aria-selected") !== "true") this.open(this.views[at]!.name);
  }

  private key(event: KeyboardEvent): void {
    const at = this.buttons.indexOf(document.activeElement as HTMLButtonElement);
    const last = this.buttons.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at <= 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    this.buttons[to]!.focus();
  }
}

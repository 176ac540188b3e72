// Where the view stands: what is shown there while it is not ready, or cannot be.

import { Refusal } from "../core/api.ts";
import { fill, h, type Child } from "../core/dom.ts";

export class Stage {
  private clock = 0;

  constructor(readonly root: HTMLElement) {}

  /** Say what is awaited. The place keeps its height, so that nothing jumps. */
  wait(title: string, text: string): void {
    this.hold();
    const since = Date.now();
    const words = h("p", { class: "soft small" }, text);
    // A wait that is long enough to wonder about says how long it is.
    this.clock = window.setInterval(() => {
      const seconds = Math.round((Date.now() - since) / 1000);
      if (seconds >= 4) words.textContent = `${text} ${seconds} s so far.`.trim();
    }, 1000);
    fill(
      this.root,
      h(
        "div",
        { class: "waiting" },
        h("p", null, title),
        h("div", { class: "progress indeterminate", role: "progressbar", "aria-label": title }, h("div")),
        words,
      ),
    );
    this.root.setAttribute("aria-busy", "true");
  }

  /** Say what went wrong, and what can be done: a button for each way out. */
  problem(title: string, error: unknown, ways: { label: string; go(): void }[]): void {
    this.hold();
    const buttons = ways.map((way, at) =>
      h("button", { type: "button", class: at ? "button" : "button primary", onclick: () => (this.root.focus(), way.go()) }, way.label),
    );
    fill(this.root, h("div", { class: "problem", role: "alert" }, h("h2", null, title), h("p", null, ...worded(sentence(error))), h("div", { class: "toolbar" }, ...buttons)));
    this.root.removeAttribute("aria-busy");
  }

  /** An empty element for a view. */
  open(name: string): HTMLElement {
    clearInterval(this.clock);
    const root = h("div", { class: `view view-${name}` });
    fill(this.root, root);
    this.root.removeAttribute("aria-busy");
    return root;
  }

  /** The view stands: the place has its own height again. */
  release(): void {
    this.root.style.minHeight = "";
  }

  private hold(): void {
    clearInterval(this.clock);
    this.root.style.minHeight = `${this.root.offsetHeight}px`;
  }
}

/** Text in which what stands between `backticks` is code. */
export function worded(text: string): Child[] {
  return text.split("`").map((part, at) => (at % 2 ? h("code", null, part) : part));
}

/** An error in words for whoever looks at the page. */
export function sentence(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  console.error(error);
  const what = error instanceof Error ? error.message : String(error);
  return `The page has made a mistake (${what}). Load it again; if it comes back, report it.`;
}

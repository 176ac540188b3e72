// What the page says aside: information goes by itself, an error stays until it is closed or replaced.

import { h } from "../core/dom.ts";
import { icon } from "./icons.ts";
import { worded } from "./stage.ts";

export type NoticeKind = "info" | "error";
/** Whose notice it is: a view's go with the view. */
export type Owner = "view" | "shell";

/** Shown together: more would lie over the page. */
const MOST = 2;

interface Shown {
  element: HTMLElement;
  about: string;
  owner: Owner;
  kind: NoticeKind;
  timer: number;
}

export class Notices {
  private readonly calm = h("div", { role: "status", "aria-live": "polite" });
  private readonly urgent = h("div", { role: "alert" });
  private shown: Shown[] = [];

  constructor(root: HTMLElement) {
    root.replaceChildren(this.urgent, this.calm);
  }

  say(text: string, kind: NoticeKind = "info", about = text, owner: Owner = "shell"): void {
    for (const old of this.shown.filter((one) => one.about === about && one.owner === owner)) this.remove(old);
    const one: Shown = { element: h("div", { class: `notice ${kind}` }), about, owner, kind, timer: 0 };
    const close = h("button", { type: "button", class: "button quiet square", "aria-label": "Close this notice", onclick: () => this.remove(one) }, icon("close"));
    one.element.append(h("p", null, ...worded(text)), close);
    if (kind === "info") {
      const seconds = 3 + text.length / 15;
      const wait = () => {
        one.timer = window.setTimeout(() => this.remove(one), 1000 * seconds);
      };
      const hold = () => clearTimeout(one.timer);
      for (const event of ["pointerenter", "focusin"]) one.element.addEventListener(event, hold);
      for (const event of ["pointerleave", "focusout"]) one.element.addEventListener(event, wait);
      wait();
    }
    this.shown.push(one);
    if (this.shown.length > MOST) this.remove(this.shown.find((old) => old.kind === "info") ?? this.shown[0]!);
    (kind === "error" ? this.urgent : this.calm).append(one.element);
  }

  clear(owner: Owner, about?: string): void {
    for (const one of this.shown.filter((each) => each.owner === owner && (about === undefined || each.about === about))) this.remove(one);
  }

  private remove(one: Shown): void {
    clearTimeout(one.timer);
    this.shown = this.shown.filter((other) => other !== one);
    one.element.remove();
  }
}

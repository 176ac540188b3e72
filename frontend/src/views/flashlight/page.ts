// The dialog that takes the session away as one page that works without a server.

import { address } from "../../core/api.ts";
import { h, newId } from "../../core/dom.ts";
import { wasDropped } from "../../core/api.ts";
import type { FieldKind } from "../../core/types.ts";
import type { Context } from "../../core/view.ts";
import { count, duration, size } from "../../core/words.ts";
import type { State } from "./address.ts";
import { segmented, select } from "./controls.ts";
import { sessionOf } from "./session.ts";

const STRIDES = ["1", "2", "4", "8"];

export class PageDialog {
  private readonly title = newId("page-title");
  private readonly along = h("p");
  private readonly plan = h("p", { class: "num flash-plan", role: "status" });
  private readonly link = h("a", { class: "button primary", download: "" }, "Make and save the page");
  private readonly kindControl = segmented("Filters", [["column", "Columns"], ["row", "Rows"]], (kind) => { this.kind = kind as FieldKind; void this.ask(); });
  private readonly strideControl = select("At every", STRIDES.map((stride) => [stride, stride === "1" ? "pixel" : `${stride}${stride === "2" ? "nd" : "th"} pixel`]), (stride) => { this.stride = Number(stride); void this.ask(); });
  readonly element = h("dialog", { class: "flash-dialog", "aria-labelledby": this.title },
    h("h2", { id: this.title }, "This flashlight as one page"),
    h("p", { class: "soft" }, "The flashlight working from one file without a server or a network, its filters computed beforehand at every so many pixels and kept without loss."),
    this.along,
    h("div", { class: "toolbar" }, this.kindControl.element, this.strideControl.element),
    this.plan,
    h("div", { class: "toolbar flash-dialog-end" },
      h("button", { class: "button", type: "button", onclick: () => this.element.close() }, "Close"),
      this.link));
  private kind: FieldKind = "column";
  private stride = 4;
  private state: State | null = null;
  private asking = new AbortController();

  constructor(private readonly context: Context) {
    this.link.addEventListener("click", (event) => {
      if (this.link.getAttribute("aria-disabled") === "true") event.preventDefault();
      else context.notice("The page is being made. The browser saves it when it is whole.", "info", "page");
    });
    context.signal.addEventListener("abort", () => this.asking.abort());
  }

  open(state: State): void {
    this.state = { ...state };
    this.kind = state.kind;
    this.kindControl.show(state.kind);
    this.strideControl.show(String(this.stride));
    this.element.showModal();
    void this.ask();
  }

  private async ask(): Promise<void> {
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const { api, subject } = this.context;
    const { query, said } = sessionOf(subject, this.state!, this.kind, this.stride);
    this.along.textContent = said;
    this.plan.textContent = "Measuring the size…";
    this.link.setAttribute("aria-disabled", "true");
    this.link.removeAttribute("href");
    try {
      const { positions, bytes, seconds } = await api.pagePlan(subject.id, query, signal);
      if (signal.aborted) return;
      this.plan.textContent = `${count(positions, "filter")}, about ${size(bytes)}, made in about ${duration(seconds)}.`;
      this.link.href = address(`/api/subjects/${subject.id}/page`, query);
      this.link.setAttribute("aria-disabled", "false");
    } catch (error) {
      if (wasDropped(error) || signal.aborted) return;
      this.plan.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}

// The parts of the view and where they stand; what they do is given.

import { h } from "../../core/dom.ts";
import { gestures } from "./help.ts";

export interface Parts {
  kind: HTMLElement;
  channel: HTMLElement;
  beside: HTMLElement;
  page: HTMLElement;
  walkedTitle: HTMLElement;
  walkedAside: HTMLElement;
  picture: HTMLElement;
  where: HTMLElement;
  pin: HTMLElement;
  draw: HTMLElement;
  filtersTitle: HTMLElement;
  filters: HTMLElement[];
  facts: HTMLElement[];
  look: HTMLElement[];
  checks: HTMLElement[];
  below: HTMLElement[];
}

export function layout(root: HTMLElement, parts: Parts): void {
  root.append(
    h("div", { class: "flash" },
      h("div", { class: "toolbar flash-top" }, parts.kind, parts.channel, parts.beside, h("div", { class: "push" }, parts.page)),
      h("div", { class: "flash-stage" },
        h("section", { class: "panel flash-walk" },
          h("h3", { class: "flash-title" }, parts.walkedTitle, parts.walkedAside),
          parts.picture,
          h("div", { class: "toolbar flash-walk-tools" }, parts.where, h("div", { class: "flash-buttons push" }, parts.pin, parts.draw)),
          gestures()),
        h("section", { class: "panel flash-filters" },
          h("h3", { class: "flash-title" }, parts.filtersTitle),
          h("div", { class: "flash-pair" }, ...parts.filters),
          h("div", { class: "toolbar flash-look" }, ...parts.look, h("div", { class: "toolbar" }, ...parts.checks)),
          h("div", { class: "flash-pair flash-pair-facts" }, ...parts.facts))),
      ...parts.below));
}

// Keys and gestures: of the view that is open, and of the page.

import { fill, h } from "../core/dom.ts";
import type { View } from "../core/view.ts";
import { icon } from "./icons.ts";

/** What to do, as keys or words; what happens then. */
type Line = [does: string[], what: string];

const OF_VIEW: Record<string, Line[]> = {
  flashlight: [
    [["Point"], "show what that pixel sends out, or takes in"],
    [["Slide sideways"], "the same with a finger"],
    [["Click or tap", "Enter"], "pin the pixel, to compare it with others"],
    [["Drag"], "draw a path of pixels; with a finger after “Draw a path”"],
    [["Arrow keys"], "on a picture: move the light by one pixel"],
    [["Shift", "Arrow keys"], "move it by ten pixels"],
    [["Home", "End"], "move it to the start or the end of the row"],
    [["+", "−"], "zoom in and out"],
    [["0"], "show the whole picture"],
  ],
  classification: [
    [["Choose a label"], "speak of it, or of it no longer"],
    [["Choose a layer’s bar"], "open the map of what the layer adds"],
    [["Arrow keys"], "on a slider: change opacity, or the strength of the attack"],
  ],
  spectrum: [
    [["Close up", "Whole"], "show the pairs where their energy is, or in the whole picture"],
    [["Arrow keys"], "on the slider: rebuild the output from one pair more or less"],
  ],
  compare: [
    [["Choose methods"], "ask them about the same photo and target"],
    [["Choose a target"], "ask all of them about another label or pixel"],
  ],
};

const OF_PAGE: Line[] = [
  [["Tab"], "go to the next control"],
  [["←", "→"], "on the tabs: go to another view; Enter opens it"],
  [["Escape"], "close what is open"],
  [["F1"], "show this help"],
  [["Drop or paste"], "look at a photo of your own"],
  [["Back", "Forward"], "go through what was shown; every address is a link to it"],
];

// Single keys and key names look like keys; words do not.
const KEYS = /^(.|Shift|Arrow keys|Home|End|Enter|Tab|Escape|F1)$/u;

export class Help {
  readonly button = h("button", { type: "button", class: "button quiet square", "aria-label": "Help", title: "Help (F1)", "aria-haspopup": "dialog", onclick: () => this.open() }, icon("help"));
  private readonly dialog = h("dialog", { class: "help", "aria-labelledby": "help-title" });

  constructor(private readonly view: () => Pick<View, "name" | "title" | "question"> | null) {
    document.body.append(this.dialog);
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    addEventListener("keydown", (event) => {
      if (event.key !== "F1") return;
      event.preventDefault();
      if (this.dialog.open) this.dialog.close();
      else this.open();
    });
  }

  private open(): void {
    const view = this.view();
    const own = view && OF_VIEW[view.name];
    const close = h("button", { type: "button", class: "button quiet square", "aria-label": "Close help", onclick: () => this.dialog.close() }, icon("close"));
    fill(
      this.dialog,
      h(
        "div",
        { class: "help-body" },
        h("div", { class: "help-head" }, h("h2", { id: "help-title" }, "Keys and gestures"), close),
        view && own && h("h3", null, view.title),
        view && own && h("p", { class: "soft" }, view.question),
        own && lines(own),
        h("h3", null, "Everywhere"),
        lines(OF_PAGE),
      ),
    );
    this.dialog.showModal();
    close.focus();
  }
}

function lines(list: Line[]): HTMLElement {
  return h(
    "dl",
    { class: "keys" },
    ...list.map(([does, what]) => h("div", null, h("dt", null, ...does.flatMap((one, at) => [at ? joint(does) : null, KEYS.test(one) ? h("kbd", null, one) : one])), h("dd", null, what))),
  );
}

function joint(does: string[]): string {
  return does[0] === "Shift" ? " + " : " or ";
}

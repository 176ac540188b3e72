// The network, the photo and the side, in the header.

import { fill, h } from "../core/dom.ts";
import type { Model, Studio } from "../core/types.ts";
import { GROUPS, type Choice } from "./choice.ts";
import type { Photos } from "./photos.ts";

export class Choices {
  private readonly network = h("select", { disabled: true, "aria-label": "Network" });
  private readonly side = h("select", { disabled: true, "aria-label": "Side in pixels of the middle of the photo" });
  private readonly sideControl = h("label", { class: "choice side", hidden: true }, h("span", null, "Side"), this.side);

  constructor(
    private readonly root: HTMLElement,
    private readonly photos: Photos,
    on: { network(name: string): void; side(side: number): void },
  ) {
    this.network.addEventListener("change", () => on.network(this.network.value));
    this.side.addEventListener("change", () => on.side(Number(this.side.value)));
  }

  show(studio: Studio, choice: Choice): void {
    const model = studio.models.find((one) => one.name === choice.model)!;
    if (!this.network.isConnected) {
      fill(
        this.root,
        h("label", { class: "choice network" }, h("span", null, "Network"), this.network),
        h("div", { class: "choice photo" }, h("span", { "aria-hidden": "true" }, "Photo"), this.photos.button),
        this.sideControl,
      );
      this.photos.connect();
    }
    this.network.disabled = false;
    const groups: [string, Model[]][] = GROUPS.map(([kind, title]) => [title, studio.models.filter((one) => one.kind === kind)]);
    groups.push(["Not captured yet", studio.models.filter((one) => one.kind === null)]);
    fill(
      this.network,
      ...groups.filter(([, models]) => models.length).map(([title, models]) => h("optgroup", { label: title }, ...models.map((one) => h("option", { value: one.name }, one.title && one.title !== one.name ? `${one.name}: ${one.title}` : one.name)))),
    );
    this.network.value = model.name;
    this.network.title = model.title || model.name;
    this.sideControl.hidden = model.sides.length === 0;
    this.side.disabled = model.sides.length < 2;
    // Of a photo smaller than a side all of it is looked at, whichever side is chosen.
    const photo = studio.images.find((one) => one.id === choice.image)!;
    const seen = (side: number) => `${Math.min(side, photo.width)} × ${Math.min(side, photo.height)}`;
    const sides = model.sides.filter((side, i) => side === choice.side || !model.sides.some((other, j) => seen(other) === seen(side) && (other === choice.side || j < i)));
    fill(this.side, ...sides.map((side) => h("option", { value: side }, seen(side))));
    if (choice.side !== null) this.side.value = String(choice.side);
    this.photos.show(studio, choice.image);
  }
}

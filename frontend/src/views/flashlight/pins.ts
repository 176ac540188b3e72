// Pinned filters side by side, on one scale.

import { PictureView } from "../../core/canvas.ts";
import { fill, h } from "../../core/dom.ts";
import { canvasBlob } from "../../core/download.ts";
import { amount } from "../../core/words.ts";
import { FactsList, Legend, type Look } from "./filter.ts";
import { nameOf } from "./facts.ts";
import { fieldLimit, lookAt, outlines, paintField, reachOf, type Field } from "./paint.ts";
import type { Spot } from "./address.ts";
import type { Source } from "./sources.ts";

interface Pin {
  spot: Spot;
  field: Field | null;
}

interface Card {
  element: HTMLElement;
  picture: PictureView;
  facts: FactsList;
}

export interface PinActions {
  remove(index: number): void;
  goTo(spot: Spot): void;
  /** Names of the channels that a spot can be of. */
  channel(spot: Spot): string | null;
}

export class PinStrip {
  private readonly empty = h("p", { class: "empty" }, "Click or tap the picture, or press Enter on it, to pin up to four pixels and compare their filters here.");
  private readonly list = h("ol", { class: "flash-pins" });
  private readonly legend = new Legend();
  readonly element = h("section", { class: "panel flash-pinned" },
    h("h3", { class: "panel-title" }, "Pins ", h("span", { class: "soft" }, "side by side, on one scale")),
    this.empty, this.list, this.legend.element);
  private cards: Card[] = [];
  private pins: Pin[] = [];
  private limit = 1;

  constructor(
    private readonly source: Source,
    private readonly actions: PinActions,
  ) {}

  /** Build the cards anew; `show` fills them. */
  set(pins: Pin[]): void {
    this.destroy();
    this.pins = pins;
    this.cards = pins.map((pin, index) => this.card(pin, index));
    fill(this.list, ...this.cards.map((card) => card.element));
    this.empty.hidden = pins.length > 0;
    this.list.hidden = this.legend.element.hidden = pins.length === 0;
  }

  show(look: Look): void {
    const limits = this.pins.flatMap(({ field }) => (field ? [fieldLimit(field, look.show, this.source.names(field.header.kind))] : []));
    const most = Math.max(...limits, 0) || 1;
    this.limit = most / look.contrast;
    const reach: Record<string, number> = {};
    for (const { field } of this.pins) if (field) reach[field.header.kind] = Math.max(reach[field.header.kind] ?? 0, reachOf(field));
    this.pins.forEach(({ field }, index) => {
      if (!field) return;
      const card = this.cards[index]!;
      const { image, place, ground } = paintField(field, look.show, this.source.names(field.header.kind), this.limit, look.theme);
      const { centre, zoom } = lookAt(field.header, look.zoom, reach[field.header.kind]!);
      card.picture.image(image, place, ground);
      card.picture.boxes(outlines(field, look.circles));
      card.picture.view(centre, zoom);
      card.facts.show(field);
    });
    this.legend.show(this.limit, most, look.show, look.theme);
  }

  get ready(): boolean {
    return this.pins.length > 0 && this.pins.every(({ field }) => field);
  }

  /** The pinned filters in a row, each under its name. */
  async png(): Promise<Blob> {
    const side = 320;
    const gap = 16;
    const head = 28;
    const pictures = await Promise.all(this.cards.map(async ({ picture }) => createImageBitmap(await picture.png())));
    const highs = pictures.map((picture) => Math.round((side * picture.height) / picture.width));
    const canvas = h("canvas", { width: gap + pictures.length * (side + gap), height: gap + head + Math.max(...highs) + head + gap });
    const context = canvas.getContext("2d")!;
    const style = getComputedStyle(this.element);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    context.fillStyle = colour("--card");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = false;
    context.textBaseline = "middle";
    pictures.forEach((picture, index) => {
      const left = gap + index * (side + gap);
      context.fillStyle = colour(`--mark-${index + 1}`);
      context.beginPath();
      context.arc(left + 6, gap + head / 2 - 4, 5, 0, 2 * Math.PI);
      context.fill();
      context.fillStyle = colour("--ink");
      context.font = `600 15px ${colour("--sans")}`;
      context.fillText(`${index + 1}  ${this.name(this.pins[index]!.spot)}`, left + 18, gap + head / 2 - 3, side - 18);
      context.drawImage(picture, left, gap + head, side, highs[index]!);
    });
    context.fillStyle = colour("--soft");
    context.font = `13px ${colour("--sans")}`;
    context.fillText(`Scale from ${amount(-this.limit)} to +${amount(this.limit)}`, gap, canvas.height - gap - 4);
    return canvasBlob(canvas);
  }

  destroy(): void {
    for (const { picture } of this.cards) picture.destroy();
    this.cards = [];
  }

  private name({ kind, row, column, ...rest }: Spot): string {
    return nameOf(kind, row, column, this.actions.channel({ kind, row, column, ...rest }));
  }

  private card({ spot }: Pin, index: number): Card {
    const name = this.name(spot);
    const frame = h("div", { class: "flash-frame" });
    const facts = new FactsList(["50", "Beyond", "Orientation"]);
    const element = h("li", { class: "flash-pin" },
      h("div", { class: "flash-pin-head" },
        h("button", { class: "flash-pin-name", type: "button", "data-tone": index + 1, title: "Move the light there", onclick: () => this.actions.goTo(spot) },
          h("span", { class: "flash-number" }, index + 1), h("span", { class: "num" }, name)),
        h("button", { class: "button quiet square", type: "button", "aria-label": `Remove pin ${index + 1}: ${name}`, onclick: () => this.actions.remove(index) }, "×")),
      frame, facts.element);
    const [, height, width] = this.source.shape(spot.kind);
    return { element, facts, picture: new PictureView(frame, { label: `Pin ${index + 1}: ${name}`, height, width }) };
  }
}

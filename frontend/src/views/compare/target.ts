// Which output is asked about: a label, or a place of the image that the network makes.

import { PictureView } from "../../core/canvas.ts";
import { LabelCombobox } from "../../core/combobox.ts";
import { h } from "../../core/dom.ts";
import { PixelCanvas } from "../../core/figures.ts";
import { shortName } from "../../core/labels.ts";
import type { Score } from "../../core/types.ts";
import type { Context } from "../../core/view.ts";
import { indexOf, placeOf, type Place } from "./choice.ts";

export interface TargetField {
  /** The picture beside the controls. */
  picture: HTMLElement;
  control: HTMLElement;
  /** The output that is asked about where none was chosen. */
  first: number;
  /** `label`: its name, where it is known. */
  show(target: number, label: string | null): void;
}

type Pick = (target: number, label: string | null) => void;

export function targetField(context: Context, pick: Pick): TargetField {
  return context.subject.kind === "classification" ? labelTarget(context, pick) : placeTarget(context, pick);
}

function labelTarget(context: Context, pick: Pick): TargetField {
  let asked: Promise<Score[]> | null = null;
  const combobox = new LabelCombobox({
    label: "Label asked about",
    placeholder: "Name or index",
    labels: () => {
      asked ??= context.api.scores(context.subject.id, context.signal);
      asked.catch(() => (asked = null));
      return asked;
    },
    onPick: (label) => pick(label.index, shortName(label.name)),
    onError: (error) => context.failed(error, "labels"),
    keep: true,
  });
  const photo = new PixelCanvas(`${context.photo.title} as the network sees it`, context.pictures.input.height, context.pictures.input.width);
  photo.draw(context.pictures.input);
  return {
    picture: photo.canvas,
    control: combobox.element,
    first: context.subject.scores[0]?.index ?? 0,
    show(target, label) {
      const known = context.subject.scores.find((score) => score.index === target);
      combobox.hold(label ?? (known ? shortName(known.name) : `label ${target}`));
    },
  };
}

function placeTarget(context: Context, pick: Pick): TargetField {
  const { output_shape: shape, output_channels: channels } = context.subject;
  const [depth, height, width] = shape as [number, number, number];
  let place: Place = { channel: 0, row: Math.floor(height / 2), column: Math.floor(width / 2) };
  const select = h(
    "select",
    { onchange: () => pick(indexOf({ ...place, channel: Number(select.value) }, shape), null) },
    ...Array.from({ length: depth }, (_, channel) => h("option", { value: channel }, channels[channel] ?? String(channel))),
  );
  const root = h("div", { class: "target-picture" });
  const at = h("output", { class: "num" });
  const view = new PictureView(root, {
    label: "The image that the network makes. Choose the pixel that is asked about.",
    height,
    width,
    // Without it the arrow keys would not move the light.
    onMove: () => undefined,
    onPick: (row, column) => pick(indexOf({ ...place, row, column }, shape), null),
  });
  view.image(context.pictures.output);
  context.signal.addEventListener("abort", () => view.destroy(), { once: true });
  return {
    picture: h("div", { class: "target-place" }, root, h("p", { class: "soft small" }, "Choose a pixel of the output: click, tap, or arrow keys and Enter.")),
    control: h("div", { class: "toolbar" }, h("div", { class: "control" }, h("span", null, "Output pixel asked about"), h("span", { class: "target-at" }, at)), h("label", { class: "control" }, h("span", null, "Channel"), select)),
    first: indexOf(place, shape),
    show(target) {
      place = placeOf(target, shape);
      select.value = String(place.channel);
      at.textContent = `row ${place.row}, column ${place.column}`;
      view.marks([{ row: place.row, column: place.column, tone: 1 }]);
      view.light(place.row, place.column);
    },
  };
}

// What can be taken away of the flashlight as a file.

import { address } from "../../core/api.ts";
import { fileName, imageBlob } from "../../core/download.ts";
import type { Context, Download } from "../../core/view.ts";
import { walkedNames, type State } from "./address.ts";
import type { Beside } from "./beside.ts";
import type { FilterFigure } from "./filter.ts";
import type { Field } from "./paint.ts";
import type { PinStrip } from "./pins.ts";

interface Shown {
  field: Field | null;
  figure: FilterFigure;
  beside: Beside;
  otherFigure: FilterFigure;
  pins: PinStrip;
}

export function downloads({ subject, photo, pictures }: Context, state: State, { field, figure, beside, otherFigure, pins }: Shown): Download[] {
  const { kind, channel, row, column } = state;
  const spot = { kind, channel, row, column };
  const [word, over] = kind === "column" ? ["Column", "Input"] : ["Row", "Output"];
  const place = [kind, channel === null ? "all" : (walkedNames(subject, kind)[channel] ?? channel), row, column];
  const named = (model: string, ...parts: (string | number)[]) => fileName(model, photo.id, ...parts);

  const list: Download[] = [
    { label: `${word} as PNG`, file: `${named(subject.model, ...place)}.png`, get: field && (() => figure.picture.png()) },
    { label: `${word} as npz`, file: `${named(subject.model, ...place)}.npz`, get: address(`/api/subjects/${subject.id}/field`, { ...spot, format: "npz" }) },
  ];
  if (beside.source) {
    list.push({ label: `${word} beside it as PNG`, file: `${named(state.beside, ...place)}.png`, get: beside.field && (() => otherFigure.picture.png()) });
    const npz = beside.npz(spot);
    if (npz) list.push({ label: `${word} beside it as npz`, file: `${named(state.beside, ...place)}.npz`, get: npz });
  }
  const picture = kind === "column" ? pictures.input : pictures.output;
  list.push({ label: "Pins as PNG", file: `${named(subject.model, "pins")}.png`, get: pins.ready ? () => pins.png() : null });
  list.push({ label: `${over} as PNG`, file: `${named(subject.model, over.toLowerCase())}.png`, get: picture && (() => imageBlob(picture)) });
  return list;
}

// What can be taken away of the flashlight as a file.

import { address } from "../../core/api.ts";
import { fileName, imageBlob, stemOf } from "../../core/download.ts";
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
  const named = (...parts: (string | number)[]) => fileName(stemOf(subject, photo), ...parts);
  const other = beside.subject ? fileName(stemOf(beside.subject, photo), ...place) : named("bicubic", ...place);

  const list: Download[] = [
    { label: `${word} as PNG`, file: `${named(...place)}.png`, get: field && (() => figure.picture.png()) },
    { label: `${word} as npz`, file: `${named(...place)}.npz`, get: address(`/api/subjects/${subject.id}/field`, { ...spot, format: "npz" }) },
  ];
  if (beside.source) {
    list.push({ label: `${word} beside it as PNG`, file: `${other}.png`, get: beside.field && (() => otherFigure.picture.png()) });
    const npz = beside.npz(spot);
    if (npz) list.push({ label: `${word} beside it as npz`, file: `${other}.npz`, get: npz });
  }
  const picture = kind === "column" ? pictures.input : pictures.output;
  list.push({ label: "Pins as PNG", file: `${named("pins")}.png`, get: pins.ready ? () => pins.png() : null });
  list.push({ label: `${over} as PNG`, file: `${named(over.toLowerCase())}.png`, get: picture && (() => imageBlob(picture)) });
  return list;
}

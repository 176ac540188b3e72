// What can be chosen: the channels of a pixel, and what can stand beside a network.

import { rgbPlaces } from "../../core/colour.ts";
import type { Subject } from "../../core/types.ts";
import type { Context } from "../../core/view.ts";
import { hasBicubic } from "./address.ts";
import type { Choices } from "./controls.ts";
import { capital } from "./facts.ts";

/** Channels with their places, red, green and blue in this order. */
export function channelChoices(names: string[]): [place: string, name: string][] {
  const coloured = ["R", "G", "B"].every((name) => names.includes(name));
  const places = coloured ? [...rgbPlaces(names), ...names.keys()] : [...names.keys()];
  return [...new Set(places)].map((place) => [String(place), names[place]!]);
}

/** The side of the middle of the photo that was asked for, or that there is. */
export function sideOf({ side, input_shape: [, height, width] }: Subject): number | null {
  return side ?? (height === width ? height! : null);
}

/** Nothing, bicubic interpolation, and the networks that can be shown the same part of the photo. */
export function besideChoices({ subject, studio }: Context): Choices {
  // Bicubic interpolation of the same scale is made here, and of another scale it is no rival.
  const others = studio.models.filter(
    ({ name, kind, sides }) => name !== subject.model && !name.startsWith("bicubic_x") && (kind === null || kind === subject.kind) && (sides.length === 0 || sides.includes(sideOf(subject)!)),
  );
  return [
    ["none", "Nothing"],
    ...(hasBicubic(subject) ? [["bicubic", "Bicubic interpolation"] as const] : []),
    ...others.map(({ name, title }) => [name, capital(title)] as const),
  ];
}

// What can be chosen: the channels of a pixel, and what can stand beside a network.

import { rgbPlaces } from "../../core/colour.ts";
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

/** Nothing, bicubic interpolation, and the networks that can be shown the same part of the photo. */
export function besideChoices({ subject, studio }: Context): Choices {
  const [, height, width] = subject.input_shape;
  const left = [subject.model, `bicubic_x${subject.scale}`]; // that interpolation is made here
  const others = studio.models.filter(
    ({ name, kind, sides }) => !left.includes(name) && (kind === null || kind === subject.kind) && (sides.length === 0 || (height === width && sides.includes(height!))),
  );
  return [
    ["none", "Nothing"],
    ...(hasBicubic(subject) ? [["bicubic", "Bicubic interpolation"] as const] : []),
    ...others.map(({ name, title }) => [name, capital(title)] as const),
  ];
}

// What is measured on a filter, in words. Knows nothing of a server.

import type { FieldKind } from "../../core/types.ts";
import { amount, duration, percent } from "../../core/words.ts";
import type { Field } from "./paint.ts";

export interface Fact {
  name: string;
  text: string;
  /** What it means, in one sentence. */
  meaning: string;
}

const pixels = (value: number) => (value < 0.05 ? "0" : value.toFixed(1));

/** The same facts in the same order for every filter, so that nothing moves when the light does. */
export function factsOf({ header, values }: Field): Fact[] {
  const [, height, width] = values.shape as [number, number, number];
  const { radii, centroid, orientation, frequency } = header;
  const dark = header.energy === 0;
  return [
    {
      name: "50, 90, 99 % within",
      text: dark ? "–" : `${pixels(radii["0.5"])}, ${pixels(radii["0.9"])}, ${pixels(radii["0.99"])} px`,
      meaning: "Radii around the pixel within which these shares of the energy lie, in pixels of the picture that the filter lies in.",
    },
    { name: `Beyond ${amount(header.near)} px`, text: dark ? "–" : percent(header.far), meaning: "Share of the energy farther away than this: the off-diagonals." },
    { name: "Centre of energy", text: dark ? "–" : offset(centroid), meaning: "Where the energy lies on average, from the pixel." },
    {
      name: "Orientation",
      text: orientation === null ? "none" : `${Math.round(orientation) % 180}°`,
      meaning: "Along the filter's stripes, counter-clockwise from the horizontal.",
    },
    { name: "Frequency", text: frequency === null ? "–" : `${frequency.toFixed(2)} / px`, meaning: "Cycles a pixel, on average over the energy." },
    { name: "Energy", text: amount(header.energy), meaning: "The sum of squares." },
    { name: "Window", text: `${width} × ${height} px`, meaning: "Outside of it the filter is zero, whatever the photo." },
    { name: "Computed in", text: header.seconds > 0 ? duration(header.seconds) : "–", meaning: "By the server, for this filter." },
  ];
}

function offset([down, right]: [number, number]): string {
  const parts = [
    Math.abs(down) >= 0.05 && `${pixels(Math.abs(down))} ${down > 0 ? "down" : "up"}`,
    Math.abs(right) >= 0.05 && `${pixels(Math.abs(right))} ${right > 0 ? "right" : "left"}`,
  ].filter(Boolean);
  return parts.length ? parts.join(", ") : "on the pixel";
}

/** "Denoiser of 8 layers": titles begin a line here. */
export function capital(title: string): string {
  return title.charAt(0).toUpperCase() + title.slice(1);
}

/** "What input pixel 40, 62 sends out". */
export function titleOf(kind: FieldKind, row: number, column: number): string {
  return kind === "column" ? `What input pixel ${row}, ${column} sends out` : `What output pixel ${row}, ${column} takes in`;
}

/** "Input pixel 40, 62 · R". */
export function nameOf(kind: FieldKind, row: number, column: number, channel: string | null): string {
  return `${kind === "column" ? "Input" : "Output"} pixel ${row}, ${column}${channel === null ? "" : ` · ${channel}`}`;
}

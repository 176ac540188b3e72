// A filter in its window as a picture: colours, the part to look at, what is outlined. Knows nothing of a server.

import type { Box } from "../../core/canvas.ts";
import { colourImage, overChannels, signedImage, table, type Theme } from "../../core/colour.ts";
import type { Area, Place } from "../../core/geometry.ts";
import type { Picture } from "../../core/packet.ts";
import type { FieldHeader } from "../../core/types.ts";

/** A row or a column of F: `values` (C, h, w) begin at `header.start`; all around them is zero. */
export interface Field {
  header: FieldHeader;
  values: Picture<Float32Array>;
}

/** "sum" over channels, "colour" around grey, or the name of one channel. */
export type Show = string;
export type Zoom = "window" | "whole" | "near";

export interface Painted {
  image: ImageData;
  /** The window, in pixels of the filter's whole picture. */
  place: Area;
  /** The colour of zero. */
  ground: string;
}

/** Where the window lies in the filter's whole picture. */
export function windowOf({ header, values }: Field): Area {
  const [, height, width] = values.shape as [number, number, number];
  return { top: header.start[1], left: header.start[2], height, width };
}

/** What is drawn: all channels for colours, else one signed map. `names` are of the filter's channels, in the model's order. */
function shown({ header, values }: Field, show: Show, names: string[]): Picture<Float32Array> {
  const [channels, height, width] = values.shape as [number, number, number];
  const size = height * width;
  if (show === "colour") {
    const all = new Float32Array(header.shape[0] * size);
    all.set(values.values, header.start[0] * size);
    return { shape: [header.shape[0], height, width], values: all };
  }
  const place = names.indexOf(show);
  if (place < 0) return overChannels(values);
  const own = place - header.start[0];
  const map = own >= 0 && own < channels ? values.values.subarray(own * size, (own + 1) * size) : new Float32Array(size);
  return { shape: [height, width], values: map };
}

/** The largest size of what is drawn, or 1 where all is zero: it gets the full colour where a filter has a scale of its own. */
export function fieldLimit(field: Field, show: Show, names: string[]): number {
  let most = 0;
  for (const value of shown(field, show, names).values) most = Math.max(most, Math.abs(value));
  return most || 1;
}

export function paintField(field: Field, show: Show, names: string[], limit: number, theme: Theme): Painted {
  const map = shown(field, show, names);
  const place = windowOf(field);
  if (show === "colour") return { image: colourImage(map, names, limit), place, ground: "rgb(128 128 128)" };
  const colours = table(theme);
  const middle = 3 * ((colours.length / 3 - 1) / 2);
  return {
    image: signedImage(map.values, place.height, place.width, limit, theme),
    place,
    ground: `rgb(${colours.slice(middle, middle + 3).join(" ")})`,
  };
}

/** How far the window reaches from the pixel, in pixels, on its longest side. */
export function reachOf(field: Field): number {
  const { top, left, height, width } = windowOf(field);
  const [y, x] = field.header.point;
  return Math.max(y - top, top + height - 1 - y, x - left, left + width - 1 - x, 0);
}

/**
 * The part of the filter's picture to look at. `reach` is the largest that was seen so far: at a border of the picture
 * windows are cut, and the zoom must not change with that.
 */
export function lookAt(header: FieldHeader, zoom: Zoom, reach: number): { centre: Place | null; zoom: number } {
  if (zoom === "whole") return { centre: null, zoom: 1 };
  // A close-up is always closer than the window.
  const half = zoom === "near" ? Math.max(2, Math.min(header.near, reach / 2)) : reach + Math.max(1, 0.08 * reach);
  const factor = Math.min(header.shape[1], header.shape[2]) / (2 * half + 1);
  return factor > 1.1 ? { centre: header.point, zoom: factor } : { centre: null, zoom: 1 };
}

/** The window, and circles around the pixel within which 50, 90 and 99 % of the energy lie. */
export function outlines(field: Field, circles: boolean): Box[] {
  const { point, radii } = field.header;
  const boxes: Box[] = [{ ...windowOf(field), tone: "window" }];
  if (!circles) return boxes;
  for (const share of ["0.5", "0.9", "0.99"] as const) {
    const radius = radii[share];
    if (radius > 0) boxes.push({ top: point[0] + 0.5 - radius, left: point[1] + 0.5 - radius, height: 2 * radius, width: 2 * radius, tone: "soft", round: true });
  }
  return boxes;
}

/** One value of a filter; null where the filter is zero by its structure. */
export function valueAt(field: Field, show: Show, names: string[], row: number, column: number): number | null {
  const { top, left, height, width } = windowOf(field);
  if (row < top || column < left || row >= top + height || column >= left + width) return null;
  return shown(field, show === "colour" ? "sum" : show, names).values[(row - top) * width + column - left]!;
}

// Maps laid over a photo, and votes: arrays in, pixels out. Pure, so that they can be tested without a browser.

import { table, type Theme } from "./colour.ts";
import type { Picture } from "./packet.ts";

/** Pixels as ImageData has them, four bytes each. */
export interface Raster {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

export type Rgb = [number, number, number];

/** How light each pixel is, 0 to 255 (Rec. 601). */
export function lightness(photo: Raster): Float32Array {
  const grey = new Float32Array(photo.width * photo.height);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = 0.299 * photo.data[4 * i]! + 0.587 * photo.data[4 * i + 1]! + 0.114 * photo.data[4 * i + 2]!;
  }
  return grey;
}

/** For each pixel the number of the place of a coarser (or equal) map that lies there. */
export function places(height: number, width: number, rows: number, columns: number): Int32Array {
  const found = new Int32Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = Math.min(rows - 1, Math.floor(((y + 0.5) * rows) / height));
    for (let x = 0; x < width; x++) {
      found[y * width + x] = row * columns + Math.min(columns - 1, Math.floor(((x + 0.5) * columns) / width));
    }
  }
  return found;
}

/**
 * A signed map (h, w) in the signed colours over the grey photo. `opacity` 1 shows the map alone, 0 the photo alone;
 * values at `limit` have the full colour.
 */
export function mapOver(photo: Raster, map: Picture<Float32Array>, limit: number, opacity: number, shown: Theme): Raster {
  const { width, height } = photo;
  const [rows, columns] = map.shape as [number, number];
  const colours = table(shown);
  const last = colours.length / 3 - 1;
  const grey = lightness(photo);
  const at = places(height, width, rows, columns);
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < grey.length; i++) {
    const value = Math.max(-1, Math.min(1, map.values[at[i]!]! / limit));
    const entry = 3 * Math.round(((value + 1) / 2) * last);
    for (let c = 0; c < 3; c++) data[4 * i + c] = opacity * colours[entry + c]! + (1 - opacity) * grey[i]!;
    data[4 * i + 3] = 255;
  }
  return { width, height, data };
}

/** For each pixel the number of the map (T, H, W) that is largest there; the first of equals. */
export function winners(maps: Picture<Float32Array>): Int32Array {
  const [count, height, width] = maps.shape as [number, number, number];
  const size = height * width;
  const found = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    let best = maps.values[i]!;
    for (let t = 1; t < count; t++) {
      if (maps.values[t * size + i]! > best) {
        best = maps.values[t * size + i]!;
        found[i] = t;
      }
    }
  }
  return found;
}

/** The share of the pixels that each of `count` winners has. */
export function shares(winner: Int32Array, count: number): number[] {
  const found = new Array<number>(count).fill(0);
  for (const one of winner) if (one >= 0 && one < count) found[one]! += 1 / winner.length;
  return found;
}

/** Winners among all labels by their place among the chosen ones; −1 for the rest. */
export function amongChosen(winner: Int32Array, chosen: number[]): Int32Array {
  const place = new Map(chosen.map((label, i) => [label, i]));
  return Int32Array.from(winner, (label) => place.get(label) ?? -1);
}

const pale = (grey: number, paper: number) => (grey + paper) / 2;

/** Each pixel in the colour of who it votes for, over the pale photo; pixels of no one (−1) show the photo alone. */
export function votesOver(photo: Raster, winner: Int32Array, colours: Rgb[], opacity: number, paper: Rgb): Raster {
  const grey = lightness(photo);
  const data = new Uint8ClampedArray(4 * grey.length);
  for (let i = 0; i < grey.length; i++) {
    const colour = colours[winner[i]!];
    for (let c = 0; c < 3; c++) data[4 * i + c] = colour ? opacity * colour[c]! + (1 - opacity) * pale(grey[i]!, paper[c]!) : pale(grey[i]!, paper[c]!);
    data[4 * i + 3] = 255;
  }
  return { width: photo.width, height: photo.height, data };
}

/** What changed from one photo to another, times `gain`, around middle grey. */
export function change(before: Raster, after: Raster, gain: number): Raster {
  const data = new Uint8ClampedArray(before.data.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = i % 4 === 3 ? 255 : 127.5 + gain * (after.data[i]! - before.data[i]!);
  }
  return { width: before.width, height: before.height, data };
}

/** A CSS colour #rrggbb as numbers. */
export function rgb(colour: string): Rgb {
  const digits = /^#([0-9a-f]{6})$/i.exec(colour.trim())?.[1] ?? "808080";
  return [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16)) as Rgb;
}

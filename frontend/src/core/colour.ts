// Numbers as colours. One signed scale everywhere: blue below zero, the paper's neutral at zero, red above.

import type { Picture } from "./packet.ts";

export type Theme = "light" | "dark";

// Places along the scale from -1 to 1, and their colours (sRGB).
const STOPS = [-1, -0.6, -0.2, 0, 0.2, 0.6, 1];
const SCALES: Record<Theme, number[][]> = {
  light: [[5, 48, 97], [67, 147, 195], [209, 229, 240], [247, 247, 247], [253, 219, 199], [214, 96, 77], [103, 0, 31]],
  dark: [[146, 197, 240], [49, 110, 172], [30, 48, 70], [24, 26, 30], [72, 36, 32], [184, 66, 48], [255, 178, 150]],
};

const tables: Partial<Record<Theme, Uint8ClampedArray>> = {};
const STEPS = 512;

/** 1025 colours from -1 to 1, three bytes each. */
export function table(theme: Theme): Uint8ClampedArray {
  let found = tables[theme];
  if (!found) {
    found = new Uint8ClampedArray((2 * STEPS + 1) * 3);
    const stops = SCALES[theme];
    for (let i = 0; i <= 2 * STEPS; i++) {
      const place = i / STEPS - 1;
      let upper = 1;
      while (upper < STOPS.length - 1 && STOPS[upper]! < place) upper++;
      const [a, b] = [STOPS[upper - 1]!, STOPS[upper]!];
      const part = (place - a) / (b - a);
      for (let c = 0; c < 3; c++) found[3 * i + c] = stops[upper - 1]![c]! * (1 - part) + stops[upper]![c]! * part;
    }
    tables[theme] = found;
  }
  return found;
}

/** CSS of the scale as a gradient from -1 to 1, for legends. */
export function gradient(theme: Theme): string {
  const colours = SCALES[theme].map((colour, i) => `rgb(${colour.join(" ")}) ${((STOPS[i]! + 1) * 50).toFixed(1)}%`);
  return `linear-gradient(to right, ${colours.join(", ")})`;
}

/** The theme that the page shows now. */
export function theme(): Theme {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** The size that all but 1 in 1,000 of the values stay below, or the largest; 1 for a map of zeros. */
export function limitOf(values: Float32Array): number {
  const sizes = Float32Array.from(values, Math.abs).sort();
  const robust = sizes[Math.max(0, Math.ceil(0.999 * sizes.length) - 1)] ?? 0;
  return robust || sizes[sizes.length - 1] || 1;
}

/** A signed map (h, w) in colours; values at `limit` have the full colour. */
export function signedImage(values: Float32Array, height: number, width: number, limit: number, shown: Theme): ImageData {
  const image = new ImageData(width, height);
  const colours = table(shown);
  for (let i = 0; i < height * width; i++) {
    const at = 3 * Math.round((Math.max(-1, Math.min(1, values[i]! / limit)) + 1) * STEPS);
    image.data.set(colours.subarray(at, at + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  return image;
}

/** Where each of R, G and B is among channels named in the model's order; the first for all where they have other names. */
export function rgbPlaces(names: string[]): [number, number, number] {
  const places = ["R", "G", "B"].map((name) => names.indexOf(name));
  return places.every((place) => place >= 0) ? (places as [number, number, number]) : [0, 0, 0];
}

/** A map (C, h, w) as colours around middle grey: each channel brighter where it is positive. */
export function colourImage(map: Picture<Float32Array>, names: string[], limit: number): ImageData {
  const [, height, width] = map.shape as [number, number, number];
  const image = new ImageData(width, height);
  const size = height * width;
  rgbPlaces(names).forEach((place, c) => {
    for (let i = 0; i < size; i++) image.data[4 * i + c] = 127.5 + (127.5 * map.values[place * size + i]!) / limit;
  });
  for (let i = 0; i < size; i++) image.data[4 * i + 3] = 255;
  return image;
}

/** Pixels in the model's units (C, h, w) as they look, by what 0 and 255 are in those units. */
export function pixelImage(map: Picture<Float32Array>, names: string[], lower: number[], upper: number[]): ImageData {
  const [, height, width] = map.shape as [number, number, number];
  const image = new ImageData(width, height);
  const size = height * width;
  rgbPlaces(names).forEach((place, c) => {
    const low = lower[place]!;
    const span = upper[place]! - low;
    for (let i = 0; i < size; i++) image.data[4 * i + c] = Math.round((255 * (map.values[place * size + i]! - low)) / span);
  });
  for (let i = 0; i < size; i++) image.data[4 * i + 3] = 255;
  return image;
}

/** Bytes (H, W, 3) as an image. */
export function rgbImage(picture: Picture<Uint8Array>): ImageData {
  const [height, width] = picture.shape as [number, number];
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    image.data.set(picture.values.subarray(3 * i, 3 * i + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  return image;
}

/** The sum over channels of a map (C, h, w). */
export function overChannels(map: Picture<Float32Array>): Picture<Float32Array> {
  const [channels, height, width] = map.shape as [number, number, number];
  const size = height * width;
  const sum = new Float32Array(size);
  for (let c = 0; c < channels; c++) for (let i = 0; i < size; i++) sum[i]! += map.values[c * size + i]!;
  return { shape: [height, width], values: sum };
}

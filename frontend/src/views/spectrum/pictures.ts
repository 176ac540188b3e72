// Vectors as pictures: signed or in colour, whole or close up, at their own scale.

import { colourImage, limitOf, overChannels, signedImage, theme } from "../../core/colour.ts";
import type { Picture } from "../../core/packet.ts";
import { cutOut, type Area } from "./arithmetic.ts";

export interface Drawn {
  image: ImageData;
  /** The size of the values that have the full colour. */
  limit: number;
}

/** A map (C, h, w) in signed colours, summed over its channels, or around grey, channel by channel. */
export function draw(map: Picture<Float32Array>, channels: string[], shown: "signed" | "colour", area: Area | null): Drawn {
  if (shown === "signed") {
    const sum = overChannels(map);
    const limit = limitOf(sum.values);
    const [height, width] = sum.shape as [number, number];
    const cut = area ? cutOut({ shape: [1, height, width], values: sum.values }, area) : { shape: [1, height, width], values: sum.values };
    return { image: signedImage(cut.values, cut.shape[1]!, cut.shape[2]!, limit, theme()), limit };
  }
  const limit = limitOf(map.values);
  return { image: colourImage(area ? cutOut(map, area) : map, channels, limit), limit };
}

/** Show an image on a canvas, which takes its size. */
export function put(canvas: HTMLCanvasElement, image: ImageData): void {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}

/** Smooth the canvases in an element where they are shown smaller than they are; sharp pixels would flicker there. */
export function smoothWhereSmall(root: HTMLElement, signal: AbortSignal): () => void {
  const look = () => {
    for (const canvas of root.querySelectorAll("canvas.pixels") as NodeListOf<HTMLCanvasElement>) {
      canvas.classList.toggle("shrunk", canvas.clientWidth * devicePixelRatio < canvas.width);
    }
  };
  const observer = new ResizeObserver(look);
  observer.observe(root);
  signal.addEventListener("abort", () => observer.disconnect());
  return look;
}

/** Pictures in a row, each enlarged by a whole factor to one height of about 512 pixels, as one image file. */
export function sideBySide(images: ImageData[]): Promise<Blob> {
  const gap = 16;
  const scales = images.map((image) => Math.max(1, Math.round(512 / image.height)));
  const canvas = document.createElement("canvas");
  canvas.width = images.reduce((sum, image, i) => sum + image.width * scales[i]!, gap * (images.length - 1));
  canvas.height = Math.max(...images.map((image, i) => image.height * scales[i]!));
  const pen = canvas.getContext("2d")!;
  pen.imageSmoothingEnabled = false;
  let left = 0;
  images.forEach((image, i) => {
    const own = document.createElement("canvas");
    put(own, image);
    pen.drawImage(own, left, 0, image.width * scales[i]!, image.height * scales[i]!);
    left += image.width * scales[i]! + gap;
  });
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be made into a file."))), "image/png");
  });
}

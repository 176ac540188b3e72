// Files out of the page.

import type { Photo, Subject } from "./types.ts";

/** A canvas as a PNG file, pixel by pixel. */
export function canvasBlob(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be made into a file."))), "image/png");
  });
}

/** An image as a PNG file, pixel by pixel. */
export function imageBlob(image: ImageData): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvasBlob(canvas);
}

/** Hand a file to the browser. */
export function save(blob: Blob, file: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** How every file of a subject begins, as the server's do: network, photo, side, attack. */
export function stemOf({ model, side, attack }: Subject, photo: Photo): string {
  const title = photo.title.replace(/(?<=.)\.[^.]*$/, "") || photo.id;
  return fileName(model, title, ...(side === null ? [] : [side]), ...(attack ? [`attacked-${attack.epsilon}`] : []));
}

/** A name that any system takes: letters, digits, dots and hyphens. */
export function fileName(...parts: (string | number)[]): string {
  return parts.join("-").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/-{2,}/g, "-").replace(/^[-.]+/, "") || "linearscope";
}

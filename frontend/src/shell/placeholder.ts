// A view in place of one that is not written yet: the pictures, and its keys.

import { h } from "../core/dom.ts";
import type { View } from "../core/view.ts";

export function placeholder(name: string, title: string, question: string, keys: string[], needs: "image" | "labels" | "any"): View {
  return {
    name,
    title,
    question,
    keys,
    fits: (kind) => needs === "any" || (kind === "classification") === (needs === "labels"),
    mount(root, context) {
      const picture = (image: ImageData | null, caption: string) =>
        image && h("section", { class: "panel" }, h("h2", { class: "panel-title" }, caption), drawn(image));
      root.append(h("div", { class: "columns two" }, picture(context.pictures.input, "Input"), picture(context.pictures.output, "Output")));
      context.downloads(() => [
        { label: "Subject as JSON", file: "subject.json", get: async () => new Blob([JSON.stringify(context.subject, null, 2)]) },
        { label: "Nothing", file: "nothing.npz", get: null },
      ]);
    },
  };
}

function drawn(image: ImageData): HTMLCanvasElement {
  const canvas = h("canvas", { class: "pixels", width: image.width, height: image.height });
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas;
}

// The flashlight: the pointer walks over a picture, and the row or column of F under it is drawn as it goes.

import type { View } from "../core/view.ts";
import { KEYS } from "./flashlight/address.ts";
import { Walk } from "./flashlight/walk.ts";

let current: Walk | null = null;

export const flashlight: View = {
  name: "flashlight",
  title: "Flashlight",
  question: "What does one pixel send out, and what does one pixel take in?",
  keys: KEYS,
  fits: (kind) => kind !== "classification",
  mount(root, context) {
    const walk = new Walk(root, context);
    current = walk;
    context.signal.addEventListener("abort", () => {
      walk.destroy();
      if (current === walk) current = null;
    });
  },
  moved: () => current?.moved(),
};

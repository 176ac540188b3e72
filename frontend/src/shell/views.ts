// The views, in the order of their tabs.

import type { View } from "../core/view.ts";
import { classification } from "../views/classification.ts";
import { spectrum } from "../views/spectrum.ts";
import { placeholder } from "./placeholder.ts";

export const views: View[] = [
  placeholder("flashlight", "Flashlight", "What does one pixel send out, and what does it take in?", ["at", "kind"], "image"),
  classification,
  spectrum,
  placeholder("compare", "Compare", "How do other explanations answer, on the same photo?", ["methods"], "any"),
];

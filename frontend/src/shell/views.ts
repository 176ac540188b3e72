// The views, in the order of their tabs.

import type { View } from "../core/view.ts";
import { classification } from "../views/classification.ts";
import { flashlight } from "../views/flashlight.ts";
import { spectrum } from "../views/spectrum.ts";
import { placeholder } from "./placeholder.ts";

export const views: View[] = [
  flashlight,
  classification,
  spectrum,
  placeholder("compare", "Compare", "How do other explanations answer, on the same photo?", ["methods"], "any"),
];

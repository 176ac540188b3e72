// The views, in the order of their tabs.

import type { View } from "../core/view.ts";
import { classification } from "../views/classification.ts";
import { compare } from "../views/compare.ts";
import { flashlight } from "../views/flashlight.ts";
import { spectrum } from "../views/spectrum.ts";

export const views: View[] = [
  flashlight,
  classification,
  spectrum,
  compare,
];

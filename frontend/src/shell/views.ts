// The views, in the order of their tabs.

import type { View } from "../core/view.ts";
import { placeholder } from "./placeholder.ts";

export const views: View[] = [
  placeholder("flashlight", "Flashlight", "What does one pixel send out, and what does it take in?", ["at", "kind"], "image"),
  placeholder("classification", "Classification", "Which pixels and which layers made the score?", ["labels"], "labels"),
  placeholder("spectrum", "Spectrum", "Which patterns does the network pass on most strongly?", ["k"], "image"),
  placeholder("compare", "Compare", "How do other explanations answer, on the same photo?", ["methods"], "any"),
];

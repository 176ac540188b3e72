// How the light is moved, for a mouse, a finger and the keyboard.

import { h } from "../../core/dom.ts";

export function gestures(): HTMLElement {
  const key = (name: string) => h("kbd", null, name);
  return h("details", { class: "flash-help small" },
    h("summary", null, h("span", { class: "flash-fine" }, "Point to move the light, click to pin, drag for a path"), h("span", { class: "flash-coarse" }, "Slide sideways to move the light, tap to pin")),
    h("ul", null,
      h("li", null, "Mouse: pointing moves the light, a click pins the pixel, dragging draws a path."),
      h("li", null, "Finger: sliding sideways moves the light, a tap pins the pixel; “Draw a path” makes the next slide a path, in any direction."),
      h("li", null, "Keyboard, on the picture: ", key("←"), " ", key("→"), " ", key("↑"), " ", key("↓"), " move by one pixel, with ", key("Shift"), " by ten; ", key("Home"), " and ", key("End"), " go to the ends of the row; ", key("Enter"), " pins."),
      h("li", null, "“Draw a path” records the arrow keys until it is pressed again."),
      h("li", null, key("+"), " and ", key("−"), " zoom into the picture, ", key("0"), " shows all of it; so does the wheel with ", key("Ctrl"), ".")));
}

// Light, dark or as the system; kept in this browser. The resolved theme always stands at <html data-theme>.

import { gradient, type Theme } from "../core/colour.ts";
import { h } from "../core/dom.ts";
import { icon } from "./icons.ts";
import { menu } from "./popover.ts";

type Wish = "system" | Theme;
const KEY = "linearscope.theme";
const WORDS: Record<Wish, string> = { system: "As the system", light: "Light", dark: "Dark" };

export class Themes {
  readonly button = h("button", { type: "button", class: "button quiet square", title: "Theme" });
  private wish: Wish = stored();
  private readonly system = matchMedia("(prefers-color-scheme: dark)");

  /** `changed` is called after every change of the theme that is seen. */
  constructor(private readonly changed: () => void) {
    this.system.addEventListener("change", () => this.apply());
    this.apply();
  }

  /** To be called once the button is in the page. */
  connect(): void {
    menu(this.button, "Theme", () =>
      (["system", "light", "dark"] as Wish[]).map((wish) => ({
        label: WORDS[wish],
        checked: wish === this.wish,
        choose: () => {
          this.wish = wish;
          store(wish);
          this.apply();
        },
      })),
    );
  }

  private apply(): void {
    const root = document.documentElement;
    const theme: Theme = this.wish === "system" ? (this.system.matches ? "dark" : "light") : this.wish;
    const before = root.dataset["theme"];
    root.dataset["theme"] = theme;
    root.style.setProperty("--scale", gradient(theme));
    this.button.replaceChildren(icon(this.wish));
    this.button.setAttribute("aria-label", `Theme: ${WORDS[this.wish].toLowerCase()}`);
    if (before !== undefined && before !== theme) this.changed();
  }
}

// Storage is refused where a browser blocks site data.
function stored(): Wish {
  try {
    const found = localStorage.getItem(KEY);
    return found === "light" || found === "dark" ? found : "system";
  } catch {
    return "system";
  }
}

function store(wish: Wish): void {
  try {
    localStorage.setItem(KEY, wish);
  } catch {
    // It holds for this page alone.
  }
}

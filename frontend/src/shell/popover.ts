// Panels that open under a button. The browser closes them on Escape or a click elsewhere and gives the focus back.

import { fill, h, newId } from "../core/dom.ts";

const GAP = 12;
const NARROW = 560;

/** Let a button open a panel. `opening` builds what it holds; `focus` says what takes the focus then. */
export function popover(
  button: HTMLButtonElement,
  panel: HTMLElement,
  { opening, focus }: { opening?: () => void; focus?: () => HTMLElement | null | undefined } = {},
): void {
  panel.popover = "auto";
  panel.id ||= newId("popover");
  button.popoverTargetElement = panel;
  button.setAttribute("aria-controls", panel.id);
  button.setAttribute("aria-expanded", "false");
  panel.addEventListener("beforetoggle", (event) => {
    if (event.newState !== "open") return;
    opening?.();
    put(panel, button.getBoundingClientRect());
  });
  panel.addEventListener("toggle", (event) => {
    const open = event.newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (open) (focus?.() ?? panel).focus();
  });
  addEventListener("resize", () => panel.matches(":popover-open") && put(panel, button.getBoundingClientRect()));
  // A panel of text alone takes the focus itself, so that arrow keys scroll it.
  panel.tabIndex = focus ? -1 : 0;
  button.after(panel);
}

/** Below the button, along its outer edge; a panel is as wide as a narrow page, a menu as its items. */
function put(panel: HTMLElement, under: DOMRect): void {
  const width = document.documentElement.clientWidth;
  const style = panel.style;
  const onLeft = under.left + under.width / 2 < width / 2;
  const narrow = width < NARROW && panel.role !== "menu";
  style.left = narrow ? `${GAP}px` : onLeft ? `${Math.max(GAP, under.left)}px` : "auto";
  style.right = narrow ? `${GAP}px` : onLeft ? "auto" : `${Math.max(GAP, width - under.right)}px`;
  style.top = `${under.bottom + 6}px`;
  style.maxHeight = `${Math.max(180, innerHeight - under.bottom - 6 - GAP)}px`;
}

export interface Item {
  label: string;
  /** Of items of which one holds: whether this one does. */
  checked?: boolean;
  /** What it stands for, where items of one label differ. */
  key?: string;
  /** Why it cannot be chosen now. */
  reason?: string;
  choose(): void;
}

const AGAIN = 500; // milliseconds

/** Let a button open a menu; the items are asked for when it opens and, as some come later, while it is open. */
export function menu(button: HTMLButtonElement, label: string, items: () => Item[], empty = ""): void {
  const panel = h("div", { class: "menu", role: "menu", "aria-label": label });
  button.setAttribute("aria-haspopup", "menu");
  const entries = () => [...panel.querySelectorAll<HTMLElement>("[role^=menuitem]")];
  let shown = "";
  const show = () => {
    const list = items();
    if (!list.length) list.push({ label: empty, reason: " ", choose: () => undefined });
    const said = JSON.stringify(list);
    if (said === shown) return;
    shown = said;
    const at = entries().indexOf(document.activeElement as HTMLElement);
    fill(panel, ...list.map((item) => entry(item, panel)));
    entries()[Math.min(at, list.length - 1)]?.focus();
  };
  popover(button, panel, {
    opening: () => {
      shown = "";
      show();
      const timer = setInterval(() => (panel.matches(":popover-open") ? show() : clearInterval(timer)), AGAIN);
    },
    focus: () => entries().find((one) => one.getAttribute("aria-checked") === "true") ?? entries()[0],
  });
  panel.addEventListener("keydown", (event) => {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + (at < 0 ? 1 : 0), Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Tab") panel.hidePopover();
    if (to === undefined || !all.length) return;
    event.preventDefault();
    all[(to + all.length) % all.length]!.focus();
  });
}

function entry(item: Item, panel: HTMLElement): HTMLButtonElement {
  const radio = item.checked !== undefined;
  return h(
    "button",
    {
      type: "button",
      class: "menu-item",
      role: radio ? "menuitemradio" : "menuitem",
      tabindex: -1,
      "aria-checked": radio ? String(item.checked) : null,
      "aria-disabled": item.reason ? "true" : null,
      onclick: () => {
        if (item.reason) return;
        panel.hidePopover();
        item.choose();
      },
    },
    h("span", null, item.label),
    item.reason?.trim() && h("span", { class: "soft small" }, item.reason),
  );
}

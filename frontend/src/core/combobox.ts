// A field that finds a label by its name or index (the combobox pattern of ARIA 1.2).

import { fill, h, newId } from "./dom.ts";
import { search } from "./labels.ts";
import type { Score } from "./types.ts";
import { score } from "./words.ts";

const SHOWN = 40;

export interface ComboboxOptions {
  label: string;
  placeholder: string;
  /** Asked when the field is first used. */
  labels(): Promise<Score[]>;
  onPick(label: Score): void;
  onError(error: unknown): void;
  /** Whether the field holds the name that was picked, or is emptied to take the next. */
  keep: boolean;
}

export class LabelCombobox {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly list: HTMLUListElement;
  private readonly status: HTMLElement;
  private found: Score[] = [];
  private at = -1;
  private held = "";

  constructor(private readonly options: ComboboxOptions) {
    const id = newId("labels");
    this.list = h("ul", { class: "combobox-list", role: "listbox", id, "aria-label": options.label, hidden: true });
    this.input = h("input", {
      type: "text",
      role: "combobox",
      placeholder: options.placeholder,
      autocomplete: "off",
      spellcheck: "false",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": id,
      oninput: () => void this.open(),
      onfocus: () => {
        if (options.keep) this.input.select();
      },
      onclick: () => void this.open(options.keep),
      onblur: () => this.close(),
      onkeydown: (event: KeyboardEvent) => this.key(event),
    });
    this.status = h("span", { class: "visually-hidden", role: "status" });
    const control = h("label", { class: "control" }, h("span", null, options.label), this.input);
    this.element = h("div", { class: "combobox" }, control, this.list, this.status);
  }

  /** The name shown while the field is not used (with `keep`). */
  hold(name: string): void {
    this.held = name;
    if (document.activeElement !== this.input) this.input.value = name;
  }

  set disabled(value: boolean) {
    this.input.disabled = value;
  }

  focus(): void {
    this.input.focus();
  }

  private async open(all = false): Promise<void> {
    let labels: Score[];
    try {
      labels = await this.options.labels();
    } catch (error) {
      this.options.onError(error);
      return;
    }
    if (document.activeElement !== this.input) return;
    const everything = search(labels, all ? "" : this.input.value);
    this.found = everything.slice(0, SHOWN);
    this.at = this.found.length && this.input.value && !all ? 0 : -1;
    fill(
      this.list,
      ...this.found.map((label, i) =>
        h(
          "li",
          {
            role: "option",
            id: `${this.list.id}-${i}`,
            "aria-selected": String(i === this.at),
            // Before the field loses its focus, which would close the list.
            onpointerdown: (event: Event) => event.preventDefault(),
            onclick: () => this.pick(label),
          },
          h("span", { class: "combobox-name" }, label.name),
          h("span", { class: "soft num small" }, `${label.index} · ${score(label.score)}`),
        ),
      ),
      this.found.length ? null : h("li", { class: "soft combobox-none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, "No label has this name or index."),
    );
    this.status.textContent = `${everything.length} labels fit.`;
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark(this.at);
  }

  private close(): void {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = this.options.keep ? this.held : "";
  }

  private mark(at: number): void {
    this.at = at;
    [...this.list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    const item = this.list.children[at];
    if (item) {
      this.input.setAttribute("aria-activedescendant", item.id);
      // Within the list only: scrollIntoView would also move the page.
      const { offsetTop, offsetHeight } = item as HTMLElement;
      if (offsetTop < this.list.scrollTop) this.list.scrollTop = offsetTop;
      else if (offsetTop + offsetHeight > this.list.scrollTop + this.list.clientHeight) {
        this.list.scrollTop = offsetTop + offsetHeight - this.list.clientHeight;
      }
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  private pick(label: Score): void {
    this.held = label.name;
    this.close();
    this.options.onPick(label);
  }

  private key(event: KeyboardEvent): void {
    const count = this.found.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) void this.open(this.options.keep);
      else if (count) this.mark((this.at + (event.key === "ArrowDown" ? 1 : -1) + count + (this.at < 0 && event.key === "ArrowUp" ? 1 : 0)) % count);
    } else if (event.key === "Enter" && !this.list.hidden && this.found[this.at]) {
      event.preventDefault();
      this.pick(this.found[this.at]!);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }
  }
}

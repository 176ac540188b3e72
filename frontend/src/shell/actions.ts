// What can be taken away: files of the view, and its address.

import { wasDropped, type Api } from "../core/api.ts";
import { h } from "../core/dom.ts";
import { save } from "../core/download.ts";
import type { Download } from "../core/view.ts";
import { icon } from "./icons.ts";
import { menu } from "./popover.ts";

export interface ActionOptions {
  api: Api;
  /** What the view offers now. */
  downloads(): Download[];
  /** The address of what is shown. */
  link(): string;
  notice(text: string, kind: "info" | "error", about: string): void;
  failed(error: unknown, about: string): void;
}

export function addActions(root: HTMLElement, options: ActionOptions): void {
  const download = h("button", { type: "button", class: "button", "aria-label": "Download" }, icon("download"), h("span", { class: "word" }, "Download"));
  const copied = h("span", { class: "word" }, "Copy link");
  const link = h("button", { type: "button", class: "button copy", "aria-label": "Copy link", title: "Copy the address of what is shown", onclick: () => void copy(options, copied) }, icon("link"), copied);
  root.append(download, link);
  menu(
    download,
    "Download",
    () =>
      options.downloads().map((item) => ({
        label: item.label,
        key: `${item.file} ${typeof item.get === "string" ? item.get : ""}`,
        ...(item.get === null ? { reason: "Nothing to take yet." } : {}),
        choose: () => void take(item, options),
      })),
    "This view has nothing to download yet.",
  );
}

async function take(item: Download, options: ActionOptions): Promise<void> {
  const { get } = item;
  if (get === null) return;
  const about = `download ${item.file}`;
  // Only what takes a while is said.
  let said = false;
  const late = setTimeout(() => {
    said = true;
    options.notice(`Making ${item.file}…`, "info", about);
  }, 700);
  try {
    save(typeof get === "string" ? await options.api.file(get) : await get(), item.file);
    if (said) options.notice(`${item.file} is saved.`, "info", about);
  } catch (error) {
    if (!wasDropped(error)) options.failed(error, about);
  } finally {
    clearTimeout(late);
  }
}

let back = 0;

async function copy(options: ActionOptions, word: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(options.link());
    word.textContent = "Copied";
    clearTimeout(back);
    back = window.setTimeout(() => (word.textContent = "Copy link"), 2500);
    options.notice("The address of this view is in the clipboard.", "info", "copy");
  } catch {
    options.notice("The browser did not let the page copy. Copy the address from the address bar.", "error", "copy");
  }
}

// Choosing a photo: thumbnails, a file, something dropped anywhere on the page, or pasted.

import type { Api } from "../core/api.ts";
import { fill, h } from "../core/dom.ts";
import type { Photo, Studio } from "../core/types.ts";
import { size } from "../core/words.ts";
import { icon } from "./icons.ts";
import { popover } from "./popover.ts";

export interface PhotoOptions {
  api: Api;
  choose(photo: Photo): void;
  notice(text: string, kind: "info" | "error"): void;
  failed(error: unknown): void;
  /** What a dropped photo is for, such as the network's name. */
  purpose(): string;
}

const ABOUT_PICTURES = "Choose a PNG, JPEG, GIF, BMP, TIFF or WebP image.";

export class Photos {
  readonly button = h("button", { type: "button", class: "button photo-button", disabled: true });
  private readonly panel = h("div", { class: "photos", role: "dialog", "aria-label": "Photo" });
  private readonly file = h("input", { type: "file", accept: "image/*", class: "visually-hidden", tabindex: -1, "aria-hidden": "true" });
  private readonly overlay = h("div", { class: "drop", hidden: true });
  private studio: Studio | null = null;
  private current = "";
  private sending: AbortController | null = null;

  constructor(private readonly options: PhotoOptions) {
    this.file.addEventListener("change", () => {
      const chosen = [...(this.file.files ?? [])];
      this.file.value = "";
      this.panel.hidePopover();
      void this.take(chosen);
    });
  }

  /** To be called once the button is in the page. */
  connect(): void {
    popover(this.button, this.panel, {
      opening: () => this.fill(),
      focus: () => this.panel.querySelector<HTMLElement>("[aria-pressed=true]") ?? this.panel.querySelector("button"),
    });
    document.body.append(this.file, this.overlay);
    this.listen();
  }

  show(studio: Studio, image: string): void {
    this.studio = studio;
    this.current = image;
    this.draw();
  }

  private photo(): Photo | undefined {
    return this.studio?.images.find((photo) => photo.id === this.current);
  }

  private draw(sending = ""): void {
    const photo = this.photo();
    this.button.disabled = !this.studio;
    this.button.setAttribute("aria-busy", String(Boolean(sending)));
    const title = sending ? `Sending ${sending}…` : (photo?.title ?? "Choose");
    this.button.setAttribute("aria-label", `Photo: ${title}`);
    this.button.title = sending ? "" : "Choose another photo";
    fill(this.button, photo && !sending ? thumbnail(photo, 24) : icon("photo"), h("span", { class: "photo-title" }, title), icon("down"));
  }

  private fill(): void {
    const { studio } = this;
    if (!studio) return;
    const items = studio.images.map((photo) =>
      h(
        "button",
        {
          type: "button",
          class: "photo-item",
          "aria-pressed": String(photo.id === this.current),
          title: photo.credit || null,
          onclick: () => {
            this.panel.hidePopover();
            if (photo.id !== this.current) this.options.choose(photo);
          },
        },
        thumbnail(photo, 96),
        h("span", { class: "photo-name" }, photo.title || photo.id),
        h("span", { class: "soft small num" }, `${photo.width} × ${photo.height}`),
      ),
    );
    const { upload_bytes, upload_pixels } = studio.limits;
    const pick = h("button", { type: "button", class: "button", onclick: () => this.file.click() }, icon("photo"), "Choose a file…");
    fill(
      this.panel,
      h("h2", null, "Photo"),
      h("div", { class: "photo-grid" }, ...items),
      h(
        "div",
        { class: "photo-own" },
        pick,
        h("p", { class: "soft small" }, `Or drop a photo anywhere on this page, or paste one. At most ${size(upload_bytes)} and ${Math.round(upload_pixels / 1e6).toLocaleString("en")} million pixels.`),
      ),
    );
  }

  /** Send the first of some files and choose it. */
  private async take(files: File[]): Promise<void> {
    const { studio, options } = this;
    const [file] = files;
    if (!studio || !file) return;
    const name = file.name || "photo";
    if (file.type && !file.type.startsWith("image/")) return options.notice(`${name} is not an image. ${ABOUT_PICTURES}`, "error");
    const { upload_bytes } = studio.limits;
    if (file.size === 0) return options.notice(`${name} is empty. ${ABOUT_PICTURES}`, "error");
    if (file.size > upload_bytes) {
      return options.notice(`${name} has ${size(file.size)}; a photo may have ${size(upload_bytes)}. Save it smaller and choose it again.`, "error");
    }
    if (files.length > 1) options.notice(`Only the first of ${files.length} files is looked at: ${name}.`, "info");
    this.sending?.abort();
    const sending = (this.sending = new AbortController());
    this.draw(name);
    try {
      const photo = await options.api.upload(file, name, sending.signal);
      if (sending.signal.aborted) return;
      studio.images = [...studio.images.filter((other) => other.id !== photo.id), photo];
      options.choose(photo);
    } catch (error) {
      if (!sending.signal.aborted) options.failed(error);
    } finally {
      if (this.sending === sending) {
        this.sending = null;
        this.draw();
      }
    }
  }

  private listen(): void {
    // dragenter of a child comes before dragleave of its parent: the overlay stays while the count is above zero.
    let depth = 0;
    const hasFiles = (event: DragEvent) => Boolean(this.studio) && [...(event.dataTransfer?.types ?? [])].includes("Files");
    const end = () => {
      depth = 0;
      this.overlay.hidden = true;
    };
    addEventListener("dragenter", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (depth++ === 0) {
        fill(this.overlay, h("div", null, icon("photo"), h("p", null, `Drop the photo to look at it with ${this.options.purpose()}.`)));
        this.overlay.hidden = false;
      }
    });
    addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.dataTransfer!.dropEffect = "copy";
    });
    addEventListener("dragleave", (event) => {
      if (hasFiles(event) && --depth <= 0) end();
    });
    addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      end();
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length) void this.take(files);
      else this.options.notice(`What was dropped is not a file. ${ABOUT_PICTURES}`, "error");
    });
    addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      void this.take(files);
    });
  }
}

function thumbnail(photo: Photo, side: number): HTMLImageElement {
  const image = h("img", { class: "thumbnail", src: `/api/images/${encodeURIComponent(photo.id)}/thumbnail`, alt: "", width: side, height: side, loading: "lazy", draggable: "false" });
  image.onerror = () => image.classList.add("missing");
  return image;
}

// What a view of the studio is, and what the shell gives it.

import type { Api } from "./api.ts";
import type { Kind, Photo, Studio, Subject } from "./types.ts";

/** One entry of the download menu. */
export interface Download {
  /** Such as "Column as PNG". */
  label: string;
  /** File name without a folder. */
  file: string;
  /** Either where it is, on this server, or what makes it. Null while there is nothing to take. */
  get: string | (() => Promise<Blob>) | null;
}

export interface Context {
  api: Api;
  studio: Studio;
  /** The network on the photo, as chosen above. A view is mounted anew for another. */
  subject: Subject;
  photo: Photo;
  /** The photo as the network sees it, and the image it makes (null for scores). */
  pictures: { input: ImageData; output: ImageData | null };
  /** Aborted when the view goes. */
  signal: AbortSignal;
  /** One of the view's own keys of the address, or null. */
  get(key: string): string | null;
  /** Keep keys in the address (null removes one); a new entry of the history only with `push`. */
  set(values: Record<string, string | null>, push?: boolean): void;
  /** Say something briefly; an error stays until it is closed, another error of the same `about` replaces it. */
  notice(text: string, kind?: "info" | "error", about?: string): void;
  /** Say an error, unless it only tells that a question was dropped. */
  failed(error: unknown, about?: string): void;
  /** The same photo by another network, or another side; captured where it must be. */
  capture(model: string, side?: number | null): Promise<Subject>;
  /** What the download menu offers now; the shell asks again each time the menu opens. */
  downloads(list: () => Download[]): void;
  /** Called when the theme changes; pictures in signed colours must be drawn again. */
  onTheme(call: () => void): void;
}

export interface View {
  /** In the address. */
  name: string;
  title: string;
  /** One line under the title: the question it answers. */
  question: string;
  /** The view's own keys of the address; all of them. */
  keys: string[];
  fits(kind: Kind): boolean;
  /** Build the view. Called with an empty element; everything ends when the context's signal is aborted. */
  mount(root: HTMLElement, context: Context): void;
  /** The address has changed by Back, Forward or by hand. */
  moved?(): void;
}

// The flashlight in one file: over the photo a light, and the row or column of F under it, read from the page itself.

import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/canvas.css";
import "../styles/film.css";
import "./offline.css";
import { h, append } from "../core/dom.ts";
import { Filters, type About } from "./page.ts";
import { Stage } from "./stage.ts";
import { heading, aboutThis } from "./words.ts";

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = (): void => void (document.documentElement.dataset["theme"] = dark.matches ? "dark" : "light");
dark.addEventListener("change", follow);
follow();

/** What an element of the page holds, once it has come: a page of many megabytes is used before its end is there. */
function held(id: string): string | null | Promise<string | null> {
  const found = document.getElementById(id);
  // An element is whole when something follows it.
  if (found?.nextElementSibling || document.readyState !== "loading") return found ? found.textContent : null;
  return new Promise((resolve) => {
    const look = (): void => {
      const element = document.getElementById(id);
      if (!element?.nextElementSibling && document.readyState === "loading") return;
      clearInterval(timer);
      resolve(element ? element.textContent : null);
    };
    const timer = setInterval(look, 50);
  });
}

/** The pixels of a picture that the page holds. */
async function pixels(id: string, [, height, width]: [number, number, number]): Promise<ImageData> {
  const picture = document.getElementById(id) as HTMLImageElement;
  await picture.decode();
  const canvas = h("canvas", { width: picture.naturalWidth || width, height: picture.naturalHeight || height });
  const context = canvas.getContext("2d")!;
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

async function start(): Promise<void> {
  const app = document.getElementById("app")!;
  const about = JSON.parse(document.getElementById("about")!.textContent!) as About;
  const [input, output] = await Promise.all([pixels("input-picture", about.input_shape), pixels("output-picture", about.output_shape)]);
  const channels = (about.kind === "column" ? about.output_shape : about.input_shape)[0];
  const stage = new Stage(about, new Filters(about, channels, held), { input, output });
  append(app, heading(about), stage.element, aboutThis(about));
  new MutationObserver(() => stage.redraw()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  await stage.begin();
}

start().catch((error: unknown) => {
  const said = error instanceof Error ? error.message : String(error);
  append(document.getElementById("app")!, h("p", { class: "problem", role: "alert" }, `The page cannot be shown: ${said}`));
});

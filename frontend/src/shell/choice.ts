// What is shown of what an address asks for: known names, a side that the network has, a view that fits.

import { SHELL_KEYS, type Place } from "../core/state.ts";
import type { Kind, Model, Photo, Studio } from "../core/types.ts";
import type { View } from "../core/view.ts";

export type Known = Pick<View, "name" | "title" | "keys" | "fits">;

export interface Choice {
  view: string;
  model: string;
  image: string;
  /** Null for a network of one size. */
  side: number | null;
  /** The view's own keys. */
  values: Record<string, string>;
}

export const GROUPS: [kind: Kind, title: string][] = [
  ["classification", "Gives labels"],
  ["super-resolution", "Makes a larger image"],
  ["image-to-image", "Makes an image"],
];

/** The side that a network is shown first. */
export function firstSide(model: Model): number | null {
  return model.sides.includes(128) ? 128 : (model.sides[0] ?? null);
}

/** The view that a kind of network is shown in first. */
export function firstView(kind: Kind | null, views: Known[]): string {
  const own = kind === "classification" ? "classification" : "flashlight";
  const fitting = views.filter((view) => kind === null || view.fits(kind));
  return (fitting.find((view) => view.name === own) ?? fitting[0] ?? views[0])!.name;
}

/** A network that a view can show, for advice. */
export function modelFor(view: Known, studio: Pick<Studio, "models" | "model">): Model | null {
  const fitting = studio.models.filter((model) => model.kind !== null && view.fits(model.kind));
  return fitting.find((model) => model.name === studio.model) ?? fitting[0] ?? null;
}

/** Why a view does not show a network, and what to do. */
export function misfit(view: Known, kind: Kind, studio: Pick<Studio, "models" | "model">): string {
  const needs = view.fits("classification") ? "gives labels" : "makes an image";
  const does = kind === "classification" ? "gives labels" : "makes an image";
  const other = modelFor(view, studio);
  const advice = other ? `Choose ${other.name}.` : `This studio was started without one.`;
  return `${view.title} needs a network that ${needs}; this one ${does}. ${advice}`;
}

/** The photo for a network: what was chosen for another stays, its own first photo goes. */
export function photoFor(next: Model, now: { model: Model | undefined; image: string }, images: Photo[]): string {
  const chosen = now.image !== now.model?.image;
  if (chosen && images.some((photo) => photo.id === now.image)) return now.image;
  return images.some((photo) => photo.id === next.image) ? next.image : now.image;
}

/** What an address asks for, with its mistakes repaired and said. */
export function resolve(place: Place, studio: Studio, views: Known[]): { choice: Choice; said: string[] } {
  const said: string[] = [];
  const asked = place.values;
  let view = views.find((one) => one.name === place.view);
  if (place.view && !view) said.push(`There is no view named ${quoted(place.view)}.`);

  let model = studio.models.find((one) => one.name === asked["model"]);
  if (!model) {
    const first = studio.models.find((one) => one.name === studio.model) ?? studio.models[0];
    const unfit = view && first?.kind && !view.fits(first.kind);
    model = (unfit ? (modelFor(view!, studio) ?? first) : first)!;
    if (asked["model"] !== undefined) {
      said.push(`This studio was started without the network ${quoted(asked["model"])}. It shows ${model.name}.`);
    }
  }

  let image = asked["image"] ?? "";
  if (!studio.images.some((photo) => photo.id === image)) {
    const first = model.name === studio.model ? studio.image : model.image;
    image = studio.images.some((photo) => photo.id === first) ? first : studio.image;
    if (asked["image"] !== undefined) {
      said.push("The photo of this address is not in this studio any more. Drop it on the page to look at it again.");
    }
  }

  let side = firstSide(model);
  if (asked["side"] !== undefined && side !== null) {
    if (model.sides.map(String).includes(asked["side"])) side = Number(asked["side"]);
    else said.push(`${model.name} has no side of ${quoted(asked["side"])} pixels. It is shown ${side}.`);
  }

  if (view && model.kind && !view.fits(model.kind)) {
    said.push(misfit(view, model.kind, studio));
    view = undefined;
  }
  const name = view?.name ?? firstView(model.kind, views);
  const { own, unknown } = ownValues(asked, views.find((one) => one.name === name)!, place.view === name ? [] : views);
  if (unknown.length) said.push(`This view does not know ${unknown.map(quoted).join(", ")}, which the address names.`);
  return { choice: { view: name, model: model.name, image, side, values: own }, said };
}

/** The values that are the view's; `unknown` are keys of no one, where `others` could own them too. */
function ownValues(values: Record<string, string>, view: Known, others: Known[]): { own: Record<string, string>; unknown: string[] } {
  const own: Record<string, string> = {};
  const unknown: string[] = [];
  const shell: readonly string[] = SHELL_KEYS;
  for (const [key, value] of Object.entries(values)) {
    if (shell.includes(key)) continue;
    if (view.keys.includes(key)) own[key] = value;
    else if (!others.some((other) => other.keys.includes(key))) unknown.push(key);
  }
  return { own, unknown };
}

/** The address of a choice. */
export function placeOf(choice: Choice): Place {
  const side = choice.side === null ? {} : { side: String(choice.side) };
  return { view: choice.view, values: { model: choice.model, image: choice.image, ...side, ...choice.values } };
}

/** Whether two choices are of one network on one photo. */
export function sameSubject(a: Choice, b: Choice): boolean {
  return a.model === b.model && a.image === b.image && a.side === b.side;
}

function quoted(text: string): string {
  return `“${text.length > 40 ? `${text.slice(0, 39)}…` : text}”`;
}

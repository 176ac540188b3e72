// What the address says of the flashlight, and what it then shows.

import type { Place } from "../../core/geometry.ts";
import type { FieldKind, Subject } from "../../core/types.ts";
import type { Show, Zoom } from "./paint.ts";

/** One row or column of F. */
export interface Spot {
  kind: FieldKind;
  /** Null: all channels at once. */
  channel: number | null;
  row: number;
  column: number;
}

export interface State extends Spot {
  pins: Spot[];
  /** Places of the picture that is walked over. */
  path: Place[];
  /** "none", "bicubic" or the name of a network. */
  beside: string;
  zoom: Zoom;
  show: Show;
  /** The limit of the scale that is kept; null: each filter has its own. */
  hold: number | null;
  /** How many times less than the limit gets the full colour, so that what is faint is seen. */
  contrast: number;
  /** One scale for a filter and the one beside it. */
  same: boolean;
  circles: boolean;
}

export const KEYS = ["kind", "at", "pins", "path", "beside", "zoom", "show", "hold", "contrast", "same", "circles"];
export const MOST_PINS = 4;
export const MOST_PLACES = 24;

export const CONTRASTS: readonly string[] = ["1", "4", "16", "64"];
const ZOOMS: readonly string[] = ["window", "whole", "near"];
const KINDS: readonly string[] = ["column", "row"];

/** (C, H, W) of the picture that is walked over. */
export function walked(subject: Subject, kind: FieldKind): [number, number, number] {
  return (kind === "column" ? subject.input_shape : subject.output_shape) as [number, number, number];
}

/** Names of the channels that a pixel of that picture has. */
export function walkedNames(subject: Subject, kind: FieldKind): string[] {
  return kind === "column" ? subject.input_channels : subject.output_channels;
}

/** Names of the channels of the filter. */
export function filterNames(subject: Subject, kind: FieldKind): string[] {
  return kind === "column" ? subject.output_channels : subject.input_channels;
}

export function centreOf(subject: Subject, kind: FieldKind): Place {
  const [, height, width] = walked(subject, kind);
  return [Math.floor(height / 2), Math.floor(width / 2)];
}

/** The place of the other picture (or of that of a kind) that lies where this one lies. */
export function across(subject: Subject, from: FieldKind, [row, column]: Place, to: FieldKind = from === "column" ? "row" : "column"): Place {
  const [, height, width] = walked(subject, from);
  const [, high, wide] = walked(subject, to);
  return [Math.floor(((row + 0.5) * high) / height), Math.floor(((column + 0.5) * wide) / width)];
}

function spot(subject: Subject, kind: FieldKind, parts: string[]): Spot | null {
  const [channels, height, width] = walked(subject, kind);
  parts = [...parts];
  const named = walkedNames(subject, kind).indexOf(parts[0] ?? "");
  if (named >= 0) parts[0] = String(named);
  if (parts.length !== 3 || !parts.every((part, i) => /^\d{1,6}$/.test(part) || (i === 0 && part === "all"))) return null;
  const channel = parts[0] === "all" ? null : Number(parts[0]);
  const [row, column] = [Number(parts[1]), Number(parts[2])];
  if ((channel ?? 0) >= channels || row >= height || column >= width) return null;
  return { kind, channel, row, column };
}

/** What an address says, with a sentence for each part that cannot be so. */
export function parse(get: (key: string) => string | null, subject: Subject): { state: State; problems: string[] } {
  const problems: string[] = [];
  const word = <T extends string>(key: string, allowed: readonly string[], usual: T): T => {
    const said = get(key);
    if (said === null || allowed.includes(said)) return (said ?? usual) as T;
    problems.push(`The address asks for ${key} “${said}”, which there is not. Taken: ${usual}.`);
    return usual;
  };
  const kind = word<FieldKind>("kind", KINDS, "column");

  const [row, column] = centreOf(subject, kind);
  let at: Spot = { kind, channel: null, row, column };
  const said = get("at");
  if (said !== null) {
    const found = spot(subject, kind, said.split(","));
    if (found) at = found;
    else problems.push(`The address points at “${said}”, which is no pixel of the picture. The light is in the middle.`);
  }

  const pins: Spot[] = [];
  for (const text of get("pins")?.split("_") ?? []) {
    const [of, ...parts] = text.split(",");
    const pin = KINDS.includes(of!) ? spot(subject, of as FieldKind, parts) : null;
    if (pin && pins.length < MOST_PINS) pins.push(pin);
    else problems.push(pin ? `The address has more than ${MOST_PINS} pins. The first ${MOST_PINS} are shown.` : `The address has a pin “${text}”, which is no pixel of the picture. It is left out.`);
  }

  let path = (get("path")?.split("_") ?? []).map((text) => spot(subject, kind, ["all", ...text.split(",")]));
  if (path.length && (path.length < 2 || path.length > MOST_PLACES || path.includes(null))) {
    problems.push("The path of the address does not fit the picture. It is left out.");
    path = [];
  }

  const holdText = get("hold");
  const hold = holdText === null ? null : Number(holdText);
  const held = hold === null || (Number.isFinite(hold) && hold > 0);
  if (!held) problems.push(`The address holds the scale at “${holdText}”, which is no size. Each filter has its own.`);

  const names = filterNames(subject, kind);
  return {
    state: {
      ...at,
      pins,
      path: path.map((place) => [place!.row, place!.column]),
      beside: get("beside") ?? usualBeside(subject),
      zoom: word<Zoom>("zoom", ZOOMS, "window"),
      show: word<Show>("show", ["sum", "colour", ...names], "sum"),
      hold: held ? hold : null,
      contrast: Number(word<string>("contrast", CONTRASTS, "1")),
      same: word<string>("same", ["yes", "no"], "yes") === "yes",
      circles: word<string>("circles", ["yes", "no"], "yes") === "yes",
    },
    problems: [...new Set(problems)],
  };
}

export function usualBeside(subject: Subject): string {
  return hasBicubic(subject) && !subject.model.startsWith("bicubic") ? "bicubic" : "none";
}

/** Bicubic interpolation stands beside what makes an image larger, channel by channel. */
export function hasBicubic(subject: Subject): boolean {
  return subject.scale > 1 && subject.input_shape[0] === subject.output_shape[0];
}

const written = ({ channel, row, column }: Spot) => `${channel ?? "all"},${row},${column}`;

/** What the address then says; what is as usual is left out. */
export function write(state: State, subject: Subject): Record<string, string | null> {
  return {
    kind: state.kind,
    at: written(state),
    pins: state.pins.map((pin) => `${pin.kind},${written(pin)}`).join("_") || null,
    path: state.path.map((place) => place.join(",")).join("_") || null,
    beside: state.beside === usualBeside(subject) ? null : state.beside,
    zoom: state.zoom === "window" ? null : state.zoom,
    show: state.show === "sum" ? null : state.show,
    hold: state.hold === null ? null : String(Number(state.hold.toPrecision(6))),
    contrast: state.contrast === 1 ? null : String(state.contrast),
    same: state.same ? null : "no",
    circles: state.circles ? null : "no",
  };
}

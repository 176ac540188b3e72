// What is compared, as the address says it; wrong values are mended and named.

import type { MethodInfo } from "../../core/types.ts";

export interface Choice {
  /** Names, in the order in which they are asked. */
  methods: string[];
  /** Flat index of the output; null: as by default. */
  target: number | null;
  /** Name of the label that is asked about, which another network may not have there; null: not known yet, or no label. */
  label: string | null;
  /** Of maps over the photo, in percent. */
  opacity: number;
}

export const KEYS = ["methods", "target", "opacity"];
export const OPACITY = 75;

export interface Bounds {
  /** Those that this page can ask. */
  methods: MethodInfo[];
  /** Most methods at once. */
  most: number;
  /** Whether the network gives labels. */
  labels: boolean;
  /** Of the output: (n) for scores, (D, H, W) for an image. */
  shape: number[];
  /** Names of the output's channels; empty for scores. */
  channels: string[];
}

/** Families that run the network many times, and so are asked last. */
const SLOW = new Set(["path", "perturbation"]);

/**
 * The methods that are asked first, the quick ones before the slow. Of a network that makes an image none that reads the
 * last feature map: that is the output itself or next to it, and says little of one of its pixels.
 */
export function firstLook(methods: MethodInfo[], most: number, labels: boolean): string[] {
  const first = methods.filter((method) => method.first && (labels || method.layer !== "yes"));
  const chosen = (first.length ? first : methods).slice(0, most);
  return [...chosen.filter((method) => !SLOW.has(method.family)), ...chosen.filter((method) => SLOW.has(method.family))].map((method) => method.name);
}

/** Read the address. `wrong` names what could not be taken. */
export function readChoice(get: (key: string) => string | null, bounds: Bounds): { choice: Choice; wrong: string[] } {
  const wrong: string[] = [];
  const choice: Choice = { methods: firstLook(bounds.methods, bounds.most, bounds.labels), target: null, label: null, opacity: OPACITY };
  const short = (text: string) => `“${text.slice(0, 30)}”`;

  const methods = get("methods");
  if (methods !== null) {
    const asked = [...new Set(methods.split(","))];
    const names = new Set(bounds.methods.map((method) => method.name));
    const known = asked.filter((name) => names.has(name));
    const bad = asked.filter((name) => !names.has(name));
    if (bad.length) wrong.push(`no method ${bad.map(short).join(", ")} can be asked here`);
    if (known.length > bounds.most) wrong.push(`at most ${bounds.most} methods at once, so the first ${bounds.most} are kept`);
    if (known.length) choice.methods = known.slice(0, bounds.most);
  }
  const target = get("target");
  if (target !== null) {
    const found = bounds.labels ? readLabel(target, bounds) : readPixel(target, bounds);
    if (found) Object.assign(choice, found);
    else if (bounds.labels) wrong.push(`target ${short(target)} is no label of this network, so the best score is asked about`);
    else wrong.push(`target ${short(target)} is no channel, row and column of this output, so its middle is asked about`);
  }
  const opacity = get("opacity");
  if (opacity !== null) {
    const value = /^\d+$/.test(opacity) ? Number(opacity) : NaN;
    if (value <= 100) choice.opacity = value;
    else wrong.push("opacity is from 0 to 100");
  }
  return { choice, wrong };
}

type Target = Pick<Choice, "target" | "label">;

/** "968" or "968,cup": the name tells whether another network has that label there. */
function readLabel(text: string, { shape }: Bounds): Target | null {
  const [, index, label] = /^(\d+)(?:,([^,]+))?$/.exec(text) ?? [];
  return index !== undefined && Number(index) < shape[0]! ? { target: Number(index), label: label ?? null } : null;
}

function writeLabel(index: number, label: string | null): string {
  return !label || label.includes(",") ? String(index) : `${index},${label}`;
}

/** "R,128,128": the channel's name or number, row and column. */
function readPixel(text: string, { shape, channels }: Bounds): Target | null {
  const [name, row, column, ...more] = text.split(",");
  const named = channels.indexOf(name!);
  const place = [named < 0 ? name : String(named), row, column].map((part) => (/^\d{1,6}$/.test(part ?? "") ? Number(part) : NaN));
  if (more.length || !place.every((at, i) => at < shape[i]!)) return null;
  return { target: indexOf({ channel: place[0]!, row: place[1]!, column: place[2]! }, shape), label: null };
}

function writePixel(index: number, { shape, channels }: Bounds): string {
  const { channel, row, column } = placeOf(index, shape);
  return [channels[channel] ?? channel, row, column].join(",");
}

/** The address of a choice; what is as by default is left out. */
export function writeChoice(choice: Choice, bounds: Bounds): Record<string, string | null> {
  const first = firstLook(bounds.methods, bounds.most, bounds.labels).join(",");
  const methods = choice.methods.join(",");
  return {
    methods: methods === first ? null : methods,
    target: choice.target === null ? null : bounds.labels ? writeLabel(choice.target, choice.label) : writePixel(choice.target, bounds),
    opacity: choice.opacity === OPACITY ? null : String(choice.opacity),
  };
}

export interface Place {
  channel: number;
  row: number;
  column: number;
}

/** Where a flat index lies in an output (D, H, W). */
export function placeOf(index: number, shape: number[]): Place {
  const [, height, width] = shape as [number, number, number];
  const rest = index % (height * width);
  return { channel: Math.floor(index / (height * width)), row: Math.floor(rest / width), column: rest % width };
}

/** The flat index of a place in an output (D, H, W). */
export function indexOf(place: Place, shape: number[]): number {
  const [, height, width] = shape as [number, number, number];
  return (place.channel * height + place.row) * width + place.column;
}

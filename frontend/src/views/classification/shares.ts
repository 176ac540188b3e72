// A score as a sum of shares in order of depth: stages of neighbouring layers, and the sum so far.

import type { ContributionsInfo, LayerShare } from "../../core/types.ts";

/** More layers than these are grouped by stage. */
export const MANY = 14;
const MOST_STAGES = 32;
const FEW_STAGES = 4;

/** One line: a layer, or a stage of several. */
export interface Line {
  name: string;
  share: number;
  /** The sum from the input to the end of this line. */
  sum: number;
  /** Whether it has a map; a stage has none. */
  map: boolean;
  /** The layers of a stage; empty for a layer. */
  layers: Line[];
}

function path(name: string): string[] {
  return name.split("#")[0]!.split("[")[0]!.split(".");
}

interface Run {
  name: string;
  layers: LayerShare[];
}

/** Cut layers, in order of depth, into runs of the same first `depth` parts of their path. */
export function runs(layers: LayerShare[], depth: number): Run[] {
  const found: Run[] = [];
  for (const layer of layers) {
    const name = path(layer.layer).slice(0, depth).join(".");
    const last = found[found.length - 1];
    if (last?.name === name) last.layers.push(layer);
    else found.push({ name, layers: [layer] });
  }
  return found;
}

/** How many parts of their path layers share within a stage: as many as still put several layers into one. */
export function stageDepth(layers: LayerShare[]): number {
  let best = 1;
  const deepest = Math.max(1, ...layers.map((layer) => path(layer.layer).length));
  for (let depth = 2; depth <= deepest; depth++) {
    const fine = runs(layers, depth).length;
    if (fine > MOST_STAGES || (fine > 0.6 * layers.length && runs(layers, best).length >= FEW_STAGES)) break;
    best = depth;
  }
  return best;
}

/** The lines of a sum: the input first, then every layer, or every stage where there are many layers. */
export function lines(info: ContributionsInfo): Line[] {
  let sum = info.input;
  const input: Line = { name: "input", share: info.input, sum, map: true, layers: [] };
  const layer = (one: LayerShare): Line => {
    sum += one.share;
    return { name: one.layer, share: one.share, sum, map: one.map, layers: [] };
  };
  if (info.layers.length <= MANY) return [input, ...info.layers.map(layer)];
  const stages = runs(info.layers, stageDepth(info.layers)).map((run): Line => {
    const inside = run.layers.map(layer);
    if (inside.length === 1) return inside[0]!;
    return { name: run.name, share: inside.reduce((total, one) => total + one.share, 0), sum, map: false, layers: inside };
  });
  return [input, ...stages];
}

/** The least and the largest of zero, the shares and the sums: what an axis for all of them must hold. */
export function extent(list: Line[], score: number): [number, number] {
  const all = list.flatMap((line) => [line, ...line.layers]).flatMap((line) => [line.share, line.sum]);
  return [Math.min(0, score, ...all), Math.max(0, score, ...all)];
}

/** Where a bar from zero to `value` begins and how long it is, in percent of an axis. */
export function bar(value: number, [low, high]: [number, number]): { start: number; length: number } {
  const span = high - low || 1;
  return { start: (100 * (Math.min(0, value) - low)) / span, length: (100 * Math.abs(value)) / span };
}

/** A name within a group: what they share is left out, as the end tells names apart. */
export function within(name: string, group: string): string {
  return name.startsWith(group) && name.length > group.length ? `…${name.slice(group.length).replace(/^\./, "")}` : name;
}

/** How numbers of one column are written: all with two decimals, as scores are, or with as many as show four digits of the largest. */
export function column(values: number[], withSign = false): (value: number) => string {
  const largest = Math.max(0, ...values.filter(Number.isFinite).map(Math.abs));
  const decimals = largest >= 1 && largest < 1000 ? 2 : largest > 0 ? Math.min(8, Math.max(0, 3 - Math.floor(Math.log10(largest)))) : 0;
  return (value) => {
    if (!Number.isFinite(value)) return "–";
    const text = Math.abs(value).toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    const zero = !/[1-9]/.test(text);
    return `${zero ? "" : value < 0 ? "−" : withSign ? "+" : ""}${text}`;
  };
}

/** Where a value stands, in percent of an axis. */
export function stand(value: number, [low, high]: [number, number]): number {
  return (100 * (value - low)) / (high - low || 1);
}

// Where filters come from: the server for a network, this page for bicubic interpolation. Those seen last are kept.

import type { Api } from "../../core/api.ts";
import { floats } from "../../core/packet.ts";
import type { FieldKind, Subject } from "../../core/types.ts";
import { filterNames, walked, walkedNames, type Spot } from "./address.ts";
import { bicubicField, type Shape } from "./bicubic.ts";
import type { Field } from "./paint.ts";

export interface Source {
  id: string;
  title: string;
  /** Names of the filter's channels, in the order of its values. */
  names(kind: FieldKind): string[];
  /** (C, H, W) of the filter's whole picture. */
  shape(kind: FieldKind): Shape;
  /** Of a spot of the subject that is looked at. Asks of one slot drop one another. */
  ask(spot: Spot, slot: string, signal: AbortSignal): Promise<Field>;
}

/** Fields by their question, the oldest dropped beyond a number of bytes. */
export class Kept {
  private readonly fields = new Map<string, Field>();
  private bytes = 0;

  constructor(private readonly most: number) {}

  get(key: string): Field | undefined {
    const found = this.fields.get(key);
    if (found) {
      this.fields.delete(key);
      this.fields.set(key, found);
    }
    return found;
  }

  set(key: string, field: Field): void {
    const old = this.fields.get(key);
    if (old) this.bytes -= old.values.values.byteLength;
    this.fields.delete(key);
    this.fields.set(key, field);
    this.bytes += field.values.values.byteLength;
    for (const [oldest, { values }] of this.fields) {
      if (this.bytes <= this.most || oldest === key) break;
      this.fields.delete(oldest);
      this.bytes -= values.values.byteLength;
    }
  }
}

/** The spot of another network that lies where a spot of this one lies; its channel goes by name. */
export function spotOf(from: Subject, to: Subject, spot: Spot): Spot {
  if (from.id === to.id) return spot;
  const [, height, width] = walked(from, spot.kind);
  const [channels, high, wide] = walked(to, spot.kind);
  let channel = spot.channel;
  if (channel !== null) {
    const named = walkedNames(to, spot.kind).indexOf(walkedNames(from, spot.kind)[channel]!);
    channel = named >= 0 ? named : Math.min(channel, channels - 1);
  }
  return {
    kind: spot.kind,
    channel,
    row: Math.floor(((spot.row + 0.5) * high) / height),
    column: Math.floor(((spot.column + 0.5) * wide) / width),
  };
}

/** `subject` is the network whose filters they are; spots are of `from`. */
export function networkSource(api: Api, kept: Kept, from: Subject, subject: Subject, title: string): Source {
  return {
    id: subject.id,
    title,
    names: (kind) => filterNames(subject, kind),
    shape: (kind) => walked(subject, kind === "column" ? "row" : "column"),
    async ask(spot, slot, signal) {
      const own = spotOf(from, subject, spot);
      const key = [subject.id, own.kind, own.channel, own.row, own.column].join(" ");
      const known = kept.get(key);
      if (known) return known;
      const packet = await api.field(subject.id, { ...own, slot }, signal);
      const field = { header: packet.header, values: floats(packet, "values") };
      kept.set(key, field);
      return field;
    },
  };
}

export function bicubicSource(subject: Subject): Source {
  const [input, output] = [subject.input_shape as Shape, subject.output_shape as Shape];
  return {
    id: "bicubic",
    title: "Bicubic interpolation",
    names: (kind) => filterNames(subject, kind),
    shape: (kind) => (kind === "column" ? output : input),
    ask: ({ kind, channel, row, column }) => Promise.resolve(bicubicField(kind, input, output, channel, row, column)),
  };
}

// What the page holds: its facts, its pictures, and the filters, opened piece by piece.

import { decode, type Cut } from "./decode.ts";
import type { Certificate, FieldKind } from "../core/types.ts";

/** Written by report/flashlight_page.py. */
export interface About {
  format: string;
  title: string;
  model: string;
  photo: string;
  kind: FieldKind;
  channel: number | null;
  stride: number;
  input_shape: [number, number, number];
  output_shape: [number, number, number];
  input_channels: string[];
  output_channels: string[];
  /** Where filters were taken. */
  rows: number[];
  columns: number[];
  /** How many places of a row lie in one piece. */
  piece: number;
  /** The pixel near which the light is at first. */
  light: [row: number, column: number];
  certificate: Certificate;
  versions: Record<string, string>;
  notes: string[];
}

const KEPT = 64e6; // bytes of opened pieces

export class Filters {
  private readonly opened = new Map<string, Promise<Cut[]>>();
  private readonly sizes = new Map<string, number>();

  /** `text` gives what a piece holds by its id, or null where it has not come yet or is not there. */
  constructor(
    private readonly about: Pick<About, "columns" | "piece">,
    private readonly channels: number,
    private readonly text: (id: string) => string | null | Promise<string | null>,
  ) {}

  /** The filter of the i-th row and j-th column of places. */
  async at(i: number, j: number): Promise<Cut> {
    const { columns, piece } = this.about;
    const id = `piece-${i}-${Math.floor(j / piece)}`;
    const count = Math.min(piece, columns.length - Math.floor(j / piece) * piece);
    let found = this.opened.get(id);
    if (found) this.opened.delete(id);
    else found = this.open(id, count);
    this.opened.set(id, found); // the last one used is the last one dropped
    return (await found)[j % piece]!;
  }

  private async open(id: string, count: number): Promise<Cut[]> {
    try {
      const text = await this.text(id);
      if (text === null) throw new Error("This page is cut short. Save it again.");
      const found = await decode(text, count, this.channels);
      this.sizes.set(id, found.reduce((sum, cut) => sum + 4 * cut.map.values.length, 0));
      this.forget(id);
      return found;
    } catch (error) {
      this.opened.delete(id);
      throw error;
    }
  }

  private forget(kept: string): void {
    let total = 0;
    for (const size of this.sizes.values()) total += size;
    for (const id of [...this.opened.keys()]) {
      if (total <= KEPT) break;
      const size = this.sizes.get(id);
      if (id === kept || size === undefined) continue;
      this.opened.delete(id);
      this.sizes.delete(id);
      total -= size;
    }
  }
}

/** Which of the places lies nearest. */
export function nearest(places: number[], wanted: number): number {
  let best = 0;
  for (let i = 1; i < places.length; i++) if (Math.abs(places[i]! - wanted) < Math.abs(places[best]! - wanted)) best = i;
  return best;
}

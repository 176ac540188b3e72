// What the page holds: its facts, its pictures, and the filters, opened piece by piece.

import { decode, type Cut } from "./decode.ts";
import { stepped } from "./walk.ts";
import type { Place } from "../core/geometry.ts";
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
  /** Places besides those, whose filters lie in a piece of their own. */
  kept: Place[];
  /** The pixel where the light is at first, or near which. */
  light: Place;
  /** What is pinned at first. */
  pins: Place[];
  /** Where the light can be played along. */
  path: Place[];
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
    private readonly about: Pick<About, "rows" | "columns" | "piece" | "kept">,
    private readonly channels: number,
    private readonly text: (id: string) => string | null | Promise<string | null>,
  ) {}

  /** The filter of a place that the page holds. */
  async at(row: number, column: number): Promise<Cut> {
    const { rows, columns, piece, kept } = this.about;
    const [i, j] = [rows.indexOf(row), columns.indexOf(column)];
    if (i < 0 || j < 0) return (await this.piece("piece-kept", kept.length))[indexOf(kept, row, column)]!;
    const count = Math.min(piece, columns.length - Math.floor(j / piece) * piece);
    return (await this.piece(`piece-${i}-${Math.floor(j / piece)}`, count))[j % piece]!;
  }

  private piece(id: string, count: number): Promise<Cut[]> {
    let found = this.opened.get(id);
    if (found) this.opened.delete(id);
    else found = this.open(id, count);
    this.opened.set(id, found); // the last one used is the last one dropped
    return found;
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

function indexOf(places: Place[], row: number, column: number): number {
  return places.findIndex((place) => place[0] === row && place[1] === column);
}

/** Where of the places that the page holds the light goes when it is sent from `here` to a pixel. */
export function nearby({ rows, columns, kept }: Pick<About, "rows" | "columns" | "kept">, here: Place, [row, column]: Place, byKey: boolean): Place {
  if (!byKey && indexOf(kept, row, column) >= 0) return [row, column];
  return [stepped(rows, here[0], row, byKey), stepped(columns, here[1], column, byKey)];
}

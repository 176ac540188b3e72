// What of the session a page takes along, and what stays here.

import type { Query } from "../../core/api.ts";
import type { FieldKind, Subject } from "../../core/types.ts";
import { count } from "../../core/words.ts";
import { across, hasBicubic, walkedNames, type Spot, type State } from "./address.ts";

export interface Session {
  /** What the server is asked for. */
  query: Query;
  /** In words: what goes along, and what does not. */
  said: string;
}

/** A page holds filters of one kind and channel: what was chosen of others cannot go with it. */
export function sessionOf(subject: Subject, state: State, kind: FieldKind, stride: number): Session {
  const names = walkedNames(subject, kind);
  const named = state.channel === null ? -1 : names.indexOf(walkedNames(subject, state.kind)[state.channel]!);
  const channel = named < 0 ? null : named;
  const [row, column] = state.kind === kind ? [state.row, state.column] : across(subject, state.kind, [state.row, state.column]);
  const pins = state.pins.filter((pin) => pin.kind === kind && pin.channel === channel);
  const path = state.kind === kind ? state.path : state.path.map((place) => across(subject, state.kind, place));
  const left = state.pins.length - pins.length;
  const stays = [
    ...(left ? [`${count(left, "pin")} of another kind or channel`] : []),
    ...(["none", "bicubic"].includes(state.beside) ? [] : [state.beside]),
  ];
  const goes = [
    channel !== null ? `filters of channel ${names[channel]}` : names.length > 1 ? "filters of all channels at once" : "filters",
    "the light",
    ...(pins.length ? [count(pins.length, "pin")] : []),
    ...(path.length ? ["the path"] : []),
    ...(hasBicubic(subject) ? ["bicubic interpolation"] : []),
  ];
  return {
    query: { kind, stride, channel, at: `${row},${column}`, pins: places(pins), path: path.map((place) => place.join(",")).join("_") || null },
    said: `It holds ${list(goes)}.${stays.length ? ` Left out: ${list(stays)}.` : ""}`,
  };
}

function places(spots: Spot[]): string | null {
  return spots.map(({ row, column }) => `${row},${column}`).join("_") || null;
}

function list(parts: string[]): string {
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)!}` : parts[0]!;
}

// Filters out of a piece of the page: base64, raw DEFLATE, bytes that lie apart, then 32-bit words.

import type { Picture } from "../core/packet.ts";

/** A filter in the window outside of which it is always zero. */
export interface Cut {
  top: number;
  left: number;
  /** (C, h, w) */
  map: Picture<Float32Array>;
}

export function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** What raw DEFLATE had packed. */
export async function inflate(packed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Words whose bytes lie together again: first came the lowest byte of every word, then the next. */
export function together(shuffled: Uint8Array): Uint8Array<ArrayBuffer> {
  const size = shuffled.length >> 2;
  const bytes = new Uint8Array(4 * size);
  for (let b = 0; b < 4; b++) {
    const from = b * size;
    for (let i = 0, to = b; i < size; i++, to += 4) bytes[to] = shuffled[from + i]!;
  }
  return bytes;
}

/** The windows of a piece: for each its first row and column, height and width; then the values of all. */
export function cuts(bytes: Uint8Array<ArrayBuffer>, count: number, channels: number): Cut[] {
  const places = new Int32Array(bytes.buffer, bytes.byteOffset, 4 * count);
  const found: Cut[] = [];
  let at = bytes.byteOffset + 16 * count;
  for (let i = 0; i < count; i++) {
    const [top, left, height, width] = places.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const size = channels * height * width;
    found.push({ top, left, map: { shape: [channels, height, width], values: new Float32Array(bytes.buffer, at, size) } });
    at += 4 * size;
  }
  return found;
}

export async function decode(text: string, count: number, channels: number): Promise<Cut[]> {
  return cuts(together(await inflate(base64Bytes(text))), count, channels);
}

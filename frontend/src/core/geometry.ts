// Where things lie in a picture of pixels: the part that is seen, the pixels between two, places along a path.

export interface Area {
  top: number;
  left: number;
  height: number;
  width: number;
}

export type Place = [row: number, column: number];

export function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

/** The part of a picture that is seen around a place; moved so that it stays inside, with the picture's proportions. */
export function seenArea(height: number, width: number, centre: Place | null, zoom: number): Area {
  const factor = Math.max(1, zoom);
  const area = { top: 0, left: 0, height: height / factor, width: width / factor };
  if (!centre) return { ...area, top: (height - area.height) / 2, left: (width - area.width) / 2 };
  area.top = clamp(centre[0] + 0.5 - area.height / 2, 0, height - area.height);
  area.left = clamp(centre[1] + 0.5 - area.width / 2, 0, width - area.width);
  return area;
}

/** The smallest area of whole pixels around another. */
export function wholePixels(area: Area): Area {
  const [top, left] = [Math.floor(area.top + 1e-9), Math.floor(area.left + 1e-9)];
  return { top, left, height: Math.ceil(area.top + area.height - 1e-9) - top, width: Math.ceil(area.left + area.width - 1e-9) - left };
}

/** The pixels of a straight line from one to another, the first left out. */
export function lineBetween([row, column]: Place, [toRow, toColumn]: Place): Place[] {
  const steps = Math.max(Math.abs(toRow - row), Math.abs(toColumn - column));
  return Array.from({ length: steps }, (_, i) => {
    const part = (i + 1) / steps;
    return [Math.round(row + (toRow - row) * part), Math.round(column + (toColumn - column) * part)];
  });
}

/** At most `most` of the places of a path, at equal steps, both ends among them. */
export function spread<T>(path: T[], most: number): T[] {
  if (path.length <= most) return [...path];
  return Array.from({ length: most }, (_, i) => path[Math.round((i * (path.length - 1)) / (most - 1))]!);
}

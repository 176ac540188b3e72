// Places of the ticks of an axis.

/** At most `most` round numbers in a range, evenly spaced. */
export function evenTicks(low: number, high: number, most: number): number[] {
  if (!(high > low)) return [low];
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw * (1 - 1e-9)) ?? 10) * power;
  const found: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** Whole numbers only. */
export function wholeTicks(low: number, high: number, most: number): number[] {
  return evenTicks(low, high, Math.max(1, Math.min(most, Math.floor(high - low) || 1))).filter(Number.isInteger);
}

/** Round numbers for a logarithmic axis: powers of ten where there are enough, 1, 2 and 5, or evenly where it spans little. */
export function logTicks(low: number, high: number, most: number): number[] {
  const decades = Math.log10(high / low);
  if (!(decades > 0.7)) return evenTicks(low, high, most);
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const factors = decades * 3 <= most ? [1, 2, 5] : [1];
  const stride = Math.max(1, Math.ceil(decades / most));
  const found: number[] = [];
  for (let power = first; power <= last; power++) {
    if (power % stride !== 0) continue;
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) found.push(tick);
    }
  }
  return found;
}

/** A tick in as few characters as tell it exactly: 0.05, 1e−4. */
export function tickText(value: number): string {
  const text = value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : value.toLocaleString("en", { maximumFractionDigits: 8 });
  return text.replaceAll("-", "−");
}

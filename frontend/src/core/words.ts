// Numbers in words, the same everywhere.

/** Four significant digits at most, with a real minus sign: 0.01234, 1.23e-7, 12,345. */
export function amount(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size < 1e-3 || size >= 1e6 ? value.toExponential(digits - 1) : Number(value.toPrecision(size >= 1000 ? Math.max(digits, 4) : digits)).toLocaleString("en", { maximumFractionDigits: 8 });
  return text.replace("-", "−").replace("e-", "e−").replace("e+", "e");
}

/** A score or its change: two decimals where the size is from 0.01 to 1,000, and as an amount beyond. */
export function score(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && !(size >= 0.01 && size < 1000)) return amount(value);
  return `${value < 0 ? "−" : ""}${size.toFixed(2)}`;
}

/** With its sign: +1.23, −0.4. */
export function signed(value: number, digits = 3): string {
  return value > 0 ? `+${amount(value, digits)}` : amount(value, digits);
}

/** A share in percent: 12 %, 0.4 %, < 0.1 %. */
export function percent(share: number): string {
  const hundred = 100 * share;
  if (!Number.isFinite(hundred)) return "–";
  if (hundred !== 0 && Math.abs(hundred) < 0.1) return "< 0.1 %";
  return `${hundred.toLocaleString("en", { maximumFractionDigits: Math.abs(hundred) < 10 ? 1 : 0 })} %`.replace("-", "−");
}

/** Seconds: 12 ms, 1.2 s, 3 min. */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.max(1, Math.round(1000 * seconds))} ms`;
  if (seconds < 99.5) return `${amount(seconds, 2)} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** Bytes: 12 kB, 3.4 MB. */
export function size(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  if (bytes < 1e9) return `${amount(bytes / 1e6, 2)} MB`;
  return `${amount(bytes / 1e9, 2)} GB`;
}

/** "1 place", "2 places". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** The middle value; the mean of the two middle ones where their number is even. @throws Error on nothing */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the given part of the values lies, interpolated. @throws Error on nothing */
export function quantile(values: readonly number[], part: number): number {
  if (values.length === 0) throw new Error("no values to take a quantile of");
  const sorted = Float64Array.from(values).sort();
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}

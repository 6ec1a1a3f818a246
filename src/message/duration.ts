import { AgentwireError } from "../errors.ts";

/** A length of time: milliseconds, or a number with its unit. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** What a duration may be. */
export interface DurationRange {
  /** The option's name, for the error. */
  readonly name: string;
  /** Milliseconds; default 0. */
  readonly min?: number;
  /** Milliseconds; default 100 years. */
  readonly max?: number;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const HUNDRED_YEARS = 100 * 365.25 * 86_400_000;

/** Reads a duration as milliseconds. @throws OUT_OF_RANGE */
export function parseDuration(value: Duration, range: DurationRange): number {
  const length = typeof value === "number" ? value : parseText(value);
  const { name, min = 0, max = HUNDRED_YEARS } = range;
  if (!(length >= min && length <= max)) {
    const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : String(value);
    throw new AgentwireError(
      "OUT_OF_RANGE",
      `${name} must be a duration from ${min} to ${max} ms, such as 250 or "30s", not ${shown}`,
    );
  }
  return length;
}

function parseText(value: unknown): number {
  const parts = typeof value === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null;
  return parts ? Number(parts[1]) * (UNITS[parts[2] as string] as number) : Number.NaN;
}

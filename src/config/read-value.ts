import { describeThrown } from "../agent/error-text.ts";
import { AgentwireError } from "../errors.ts";
import { type Duration, parseDuration } from "../message/duration.ts";
import { copyPlain } from "../message/plain.ts";
import { nearNames } from "../registry/agent-name-distance.ts";
import type { Issues, Path } from "./issues.ts";

/** Reads a value of a configuration; a value that does not fit is a fault, and undefined. */
export type Read<T> = (value: unknown, path: Path, issues: Issues) => T | undefined;

/** Readers by key. */
export type Readers<T> = { readonly [K in keyof T]-?: Read<NonNullable<T[K]>> };

/** Any text. */
export const text: Read<string> = (value, path, issues) =>
  typeof value === "string" ? value : unfit(value, "text", path, issues);

/** An object of plain JSON, copied and frozen. */
export const plainObject: Read<Readonly<Record<string, unknown>>> = (value, path, issues) => {
  if (!isObject(value)) return unfit(value, "an object", path, issues);
  try {
    return copyPlain(value, "the value") as Readonly<Record<string, unknown>>;
  } catch (error) {
    issues.add(path, describeThrown(error).message);
    return undefined;
  }
};

/** A number that `check` takes without throwing. */
export function number(check: (value: number) => unknown): Read<number> {
  return (value, path, issues) =>
    typeof value === "number" ? checked(value, check, path, issues) : unfit(value, "a number", path, issues);
}

/** Text that `check` takes without throwing. */
export function textThat(check: (value: string) => unknown): Read<string> {
  return (value, path, issues) =>
    typeof value === "string" ? checked(value, check, path, issues) : unfit(value, "text", path, issues);
}

/** A duration of at least `min` milliseconds. */
export function duration(name: string, min = 0): Read<Duration> {
  return (value, path, issues) =>
    typeof value === "string" || typeof value === "number"
      ? checked(value as Duration, (length) => parseDuration(length, { name, min }), path, issues)
      : unfit(value, 'a duration, such as 250 or "30s"', path, issues);
}

/** One of several words. */
export function oneOf<T extends string>(words: readonly T[]): Read<T> {
  return (value, path, issues) => {
    if (words.includes(value as T)) return value as T;
    issues.add(path, `must be ${words.map((word) => `"${word}"`).join(" or ")}`);
    return undefined;
  };
}

/** A list of at most `most` items. */
export function list<T>(item: Read<T>, most = Number.POSITIVE_INFINITY): Read<readonly T[]> {
  return (value, path, issues) => {
    if (!Array.isArray(value)) return unfit(value, "a list", path, issues);
    if (value.length > most) {
      issues.add(path, `has ${value.length} items; at most ${most} are allowed`);
      return undefined;
    }
    const before = issues.count;
    const items = value.map((one: unknown, at) => item(one, [...path, at], issues));
    return issues.count === before ? (items as T[]) : undefined;
  };
}

/** An object with these keys and no others. */
export function object<T>(readers: Readers<T>, required: readonly (keyof T & string)[] = []): Read<T> {
  return (value, path, issues) => {
    if (!isObject(value)) return unfit(value, "an object", path, issues);
    const before = issues.count;
    const result: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      if (inner === undefined) continue;
      if (Object.hasOwn(readers, key)) result[key] = readers[key as keyof T](inner, [...path, key], issues);
      else issues.add([...path, key], unknownName("key", key, Object.keys(readers)));
    }
    for (const key of required) {
      if (!Object.hasOwn(value, key)) issues.add([...path, key], "is missing");
    }
    return issues.count === before ? (result as T) : undefined;
  };
}

/** Tells that a name is not known, with the nearest that are. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const near = nearNames(name, known).map((other) => `"${other}"`);
  return near.length === 0 ? `unknown ${what}` : `unknown ${what}; did you mean ${near.join(" or ")}?`;
}

/** Whether a value is an object and no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A fault: another kind of value was wanted. Never shows the value. */
export function unfit(value: unknown, wanted: string, path: Path, issues: Issues): undefined {
  issues.add(path, `must be ${wanted}, not ${kindOf(value)}`);
  return undefined;
}

function checked<T>(value: T, check: (value: T) => unknown, path: Path, issues: Issues): T | undefined {
  try {
    check(value);
    return value;
  } catch (error) {
    if (!AgentwireError.is(error)) throw error;
    issues.add(path, error.message);
    return undefined;
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  const kinds: Readonly<Record<string, string>> = { string: "text", object: "an object", undefined: "nothing" };
  return kinds[typeof value] ?? `a ${typeof value}`;
}

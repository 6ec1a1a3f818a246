import type { Issues, Path } from "./issues.ts";

/** Deepest nesting of a configuration. */
export const DEEPEST = 64;

/** A file that cannot be read any further. */
export class Unreadable extends Error {
  readonly path: Path;
  readonly line: number | undefined;

  constructor(message: string, place: { readonly path?: Path; readonly line?: number; readonly cause?: unknown } = {}) {
    super(message, { cause: place.cause });
    this.path = place.path ?? [];
    this.line = place.line;
  }
}

/** Puts a key that was read into its object; one that was there before, or that reaches a prototype, is a fault. */
export function putKey(
  object: Record<string, unknown>,
  key: { readonly path: Path; readonly line: number; readonly value: unknown },
  issues: Issues,
): void {
  const name = String(key.path.at(-1));
  if (name === "__proto__") issues.add(key.path, "this key is not allowed", key.line);
  else if (Object.hasOwn(object, name)) issues.add(key.path, "the key is there twice", key.line);
  else object[name] = key.value;
}

import { AgentwireError } from "../errors.ts";

const NAME = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const LONGEST = 128;

/** Checks a name that users give: segments of letters, digits, `_` and `-`, separated by dots, at most 128 bytes. @throws NAME_INVALID */
export function checkName(name: unknown, what: string): string {
  if (typeof name === "string" && name.length <= LONGEST && NAME.test(name)) return name;
  const shown = typeof name === "string" ? JSON.stringify(name.slice(0, 40)) : typeof name;
  throw new AgentwireError("NAME_INVALID", `${shown} is not a valid ${what} name`);
}

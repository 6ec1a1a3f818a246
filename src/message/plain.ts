import { AgentwireError } from "../errors.ts";

/** Deepest nesting of a payload. */
export const MAX_DEPTH = 64;
/** Largest payload, in bytes of JSON. */
const MAX_SIZE = 10 * 1024 * 1024;

/** What is charged while copying is never more than the bytes of JSON, and at least a twelfth of them: six for `\u0000`, 24 for the longest number. */
const MOST_BYTES_PER_CHARGE = 12;

class Fault {
  readonly code: "PAYLOAD_INVALID" | "PAYLOAD_TOO_DEEP" | "PAYLOAD_TOO_LARGE";
  readonly reason: string;
  /** Where, filled in on the way up. */
  readonly path: (string | number)[] = [];

  constructor(code: Fault["code"], reason: string) {
    this.code = code;
    this.reason = reason;
  }
}

/**
 * Checks that a value is plain JSON and returns a deeply frozen copy; the caller's object is left alone.
 * A property whose value is `undefined` is left out, as in JSON; `toJSON` is not called.
 * @throws PAYLOAD_INVALID, PAYLOAD_TOO_DEEP, PAYLOAD_TOO_LARGE
 */
export function copyPlain(value: unknown, what: string): unknown {
  const room = { left: MAX_SIZE };
  try {
    const plain = copy(value, 0, room);
    // Only a large payload has to be measured.
    if (
      (MAX_SIZE - room.left) * MOST_BYTES_PER_CHARGE > MAX_SIZE &&
      Buffer.byteLength(JSON.stringify(plain)) > MAX_SIZE
    )
      throw tooLarge();
    return plain;
  } catch (error) {
    // Only the caller's own object can throw anything else: a proxy, for one. Its error is not for the log.
    throw failed(error instanceof Fault ? error : new Fault("PAYLOAD_INVALID", "cannot be read"), value, what);
  }
}

interface Room {
  left: number;
}

function copy(value: unknown, depth: number, room: Room): unknown {
  switch (typeof value) {
    case "string":
      room.left -= value.length + 2;
      if (room.left < 0) throw tooLarge();
      if (!isWellFormed(value)) throw new Fault("PAYLOAD_INVALID", "is text with half a surrogate pair");
      return value;
    case "number":
      if (!Number.isFinite(value)) throw new Fault("PAYLOAD_INVALID", `is ${value}`);
      room.left -= Number.isInteger(value) && value >= 0 && value < 10 ? 1 : 2;
      return value;
    case "boolean":
      room.left -= 4;
      return value;
    case "object":
      if (value === null) {
        room.left -= 4;
        return value;
      }
      if (depth >= MAX_DEPTH) throw new Fault("PAYLOAD_TOO_DEEP", `is nested deeper than ${MAX_DEPTH} levels`);
      return Array.isArray(value) ? copyArray(value, depth + 1, room) : copyObject(value, depth + 1, room);
    default:
      throw new Fault("PAYLOAD_INVALID", `is ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}`);
  }
}

function copyArray(array: readonly unknown[], depth: number, room: Room): unknown {
  // Checked before anything is copied: each item takes at least a digit and a comma.
  if (array.length * 2 > room.left) throw tooLarge();
  room.left -= array.length + 2;
  const result = new Array<unknown>(array.length);
  for (let at = 0; at < array.length; at++) {
    try {
      result[at] = copy(array[at], depth, room);
    } catch (error) {
      if (error instanceof Fault) error.path.push(at);
      throw error;
    }
  }
  return Object.freeze(result);
}

function copyObject(object: object, depth: number, room: Room): unknown {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) throw new Fault("PAYLOAD_INVALID", `is ${kindOf(object)}`);
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(object)) {
    try {
      const value = read(object as Record<string, unknown>, key);
      if (value === undefined) continue;
      room.left -= key.length + 3;
      if (!isWellFormed(key)) throw new Fault("PAYLOAD_INVALID", "is a name with half a surrogate pair");
      const plain = copy(value, depth, room);
      if (key === "__proto__")
        Object.defineProperty(result, key, { value: plain, enumerable: true, configurable: true, writable: true });
      else result[key] = plain;
    } catch (error) {
      if (error instanceof Fault) error.path.push(key);
      throw error;
    }
  }
  if (room.left < 0) throw tooLarge();
  return Object.freeze(result);
}

function read(object: Record<string, unknown>, key: string): unknown {
  try {
    return object[key];
  } catch {
    throw new Fault("PAYLOAD_INVALID", "has a getter that throws");
  }
}

function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

function tooLarge(): Fault {
  return new Fault("PAYLOAD_TOO_LARGE", `makes it larger than ${MAX_SIZE} bytes`);
}

function kindOf(object: object): string {
  try {
    const { constructor } = object;
    return typeof constructor === "function" && constructor.name !== ""
      ? `a ${constructor.name}`
      : "not a plain object";
  } catch {
    return "not a plain object";
  }
}

function failed(fault: Fault, root: unknown, what: string): AgentwireError {
  const path = fault.path.reverse();
  const shown = path.length > 8 ? [...path.slice(0, 4), "…", ...path.slice(-3)] : path;
  const place = path.length === 0 ? what : `${what} at ${shown.join(".").slice(0, 200)}`;
  if (fault.code === "PAYLOAD_TOO_DEEP" && isCircular(root)) {
    return new AgentwireError("PAYLOAD_INVALID", `${what} contains itself`, { details: { what } });
  }
  return new AgentwireError(fault.code, `${place} ${fault.reason}`, { details: { what, path } });
}

/** Whether a walk meets one of its own ancestors; without recursion, since the value may be of any depth. */
function isCircular(root: unknown): boolean {
  const ancestors = new Set<object>();
  const stack: { readonly node: object; readonly children: unknown[] }[] = [];
  const enter = (node: unknown): boolean => {
    if (typeof node !== "object" || node === null) return false;
    if (ancestors.has(node)) return true;
    ancestors.add(node);
    stack.push({ node, children: Object.values(node) });
    return false;
  };
  if (enter(root)) return true;
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    if (top.children.length === 0) {
      ancestors.delete(top.node);
      stack.pop();
    } else if (enter(top.children.pop())) return true;
  }
  return false;
}

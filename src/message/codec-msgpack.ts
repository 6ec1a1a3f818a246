import { createRequire } from "node:module";
import type { Options } from "msgpackr";
import { AgentwireError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import { ENVELOPE_FIELDS, type Envelope } from "./envelope.ts";
import { checkEnvelope } from "./envelope-check.ts";
import { copyPlain } from "./plain.ts";

const require = createRequire(import.meta.url);
const KNOWN: ReadonlySet<string> = new Set(ENVELOPE_FIELDS);
const OPTIONS: Options = { useRecords: false, mapsAsObjects: true, int64AsType: "number", useTimestamp32: false };
/** msgpackr renames keys of this name when it makes objects. */
const RENAMED = "__proto__";

/** MessagePack, smaller than JSON; other languages read it. Needs the package `msgpackr`. @throws DRIVER_MISSING */
export function msgpackCodec(): Codec {
  const { Packr, Unpackr } = load();
  const packr = new Packr(OPTIONS);
  const maps = new Unpackr({ ...OPTIONS, mapsAsObjects: false });
  return {
    name: "msgpack",
    encode: (envelope) => packr.pack(ordered(envelope)),
    decode: (data) => {
      const bytes =
        typeof data === "string"
          ? Buffer.from(data, "latin1")
          : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      return checkEnvelope(plain(bytes.includes(RENAMED) ? objects(unpack(maps, bytes), 0) : unpack(packr, bytes)));
    },
  };
}

function load(): typeof import("msgpackr") {
  try {
    return require("msgpackr") as typeof import("msgpackr");
  } catch (cause) {
    throw new AgentwireError("DRIVER_MISSING", "The codec msgpack needs the package msgpackr: npm install msgpackr", {
      cause,
    });
  }
}

function ordered(envelope: Envelope): Record<string, unknown> {
  const fields = envelope as unknown as Readonly<Record<string, unknown>>;
  const result: Record<string, unknown> = {};
  for (const field of ENVELOPE_FIELDS) if (fields[field] !== undefined) result[field] = fields[field];
  for (const field of Object.keys(fields).sort()) if (!KNOWN.has(field)) put(result, field, fields[field]);
  return result;
}

function unpack(packr: { unpack(data: Buffer): unknown }, bytes: Buffer): unknown {
  try {
    return packr.unpack(bytes);
  } catch {
    throw new AgentwireError("DECODE_FAILED", "A stored message is not MessagePack");
  }
}

/** MessagePack knows dates, bytes and more that no message may hold. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [field, item] of Object.entries(value)) {
    try {
      put(result, field, copyPlain(item, field));
    } catch (cause) {
      throw new AgentwireError(
        "ENVELOPE_INVALID",
        `Field ${JSON.stringify(field.slice(0, 80))} of a stored message is not plain JSON data`,
        { cause },
      );
    }
  }
  return result;
}

function objects(value: unknown, depth: number): unknown {
  if (depth > 66) return value;
  if (Array.isArray(value)) return value.map((item) => objects(item, depth + 1));
  if (!(value instanceof Map)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, item] of value) put(result, String(key), objects(item, depth + 1));
  return result;
}

function put(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

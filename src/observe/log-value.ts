/** Longest line written, in bytes. */
export const LONGEST_LINE = 8 * 1024;

const MOST_LEVELS = 6;
const MOST_ITEMS = 100;
const LONGEST_TEXT = 2 * 1024;

// Names of secrets, with anything in front: `accessToken`, `client_secret`. `tokens` as a number counts something.
const SECRET_NAME = /(?:token|secret|password|passwd|authorization|api[-_]?key|credentials?|cookie)s?$/i;
const PAYLOAD_NAMES: ReadonlySet<string> = new Set(["payload", "payloads"]);
const CREDENTIALS_IN_URL = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;

/** A value as it may be logged: plain JSON without secrets and payloads, bounded in depth and size. Never throws. */
export function loggable(value: unknown, level = 0): unknown {
  switch (typeof value) {
    case "string":
      return shortened(value.replace(CREDENTIALS_IN_URL, "$1[redacted]@"));
    case "number":
    case "boolean":
      return Number.isNaN(value) || Math.abs(Number(value)) === Number.POSITIVE_INFINITY ? String(value) : value;
    case "bigint":
    case "symbol":
      return String(value);
    case "function":
      return "[function]";
    case "object":
      return value === null ? null : fromObject(value, level);
    default:
      return undefined;
  }
}

/** A field as it may be logged, by its name. */
export function loggableField(name: string, value: unknown, level = 0): unknown {
  if (PAYLOAD_NAMES.has(name.toLowerCase())) return "[payload]";
  if (SECRET_NAME.test(name) && typeof value !== "number" && typeof value !== "boolean") return "[redacted]";
  return loggable(value, level);
}

function fromObject(value: object, level: number): unknown {
  if (level >= MOST_LEVELS) return "[deep]";
  try {
    if (value instanceof Error) return fromError(value, level);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => loggable(item, level + 1));
    if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
    return Object.fromEntries(
      Object.entries(value)
        .slice(0, MOST_ITEMS)
        .map(([name, field]) => [shortened(name), loggableField(name, field, level + 1)]),
    );
  } catch {
    // A getter or proxy of the caller's.
    return "[unreadable]";
  }
}

function fromError(error: Error, level: number): unknown {
  const { name, message, cause } = error;
  const { code, details } = error as { code?: unknown; details?: unknown };
  return {
    name: loggable(name, level + 1),
    ...(code === undefined ? {} : { code: loggable(code, level + 1) }),
    message: loggable(message, level + 1),
    ...(details === undefined ? {} : { details: loggable(details, level + 1) }),
    ...(cause === undefined ? {} : { cause: loggable(cause, level + 1) }),
  };
}

function shortened(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}

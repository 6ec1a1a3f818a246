import { callSite } from "./call-site.ts";
import { logLine } from "./log-line.ts";

/** Writes one line of fields and text: `(fields, text)` or `(text)`. */
export interface LogMethod {
  (fields: Readonly<Record<string, unknown>>, text?: string): void;
  (text: string): void;
}

/** What the library asks of a logger; pino fits. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** The same logger with fields added to each line. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** How much is logged: this and everything graver. */
export type LogLevel = (typeof LEVELS)[number];

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  /** Default `info`. With `debug` every line says from which file and line it was written. */
  readonly level?: LogLevel;
  /** Takes whole lines; default: standard error. */
  readonly destination?: { write(line: string): unknown };
  /** In each line. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Wall milliseconds; default: the machine's clock. */
  readonly now?: () => number;
}

/** A logger that writes nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

/**
 * A logger that writes JSON lines: time (UTC), level, message, then the fields. Values named token, secret, password,
 * authorization and the like are redacted, payloads left out, lines cut at 8 KiB.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { level: least = "info", destination = process.stderr, fields, now = Date.now } = options;
  const from = LEVELS.indexOf(least);
  const method = (level: LogLevel): LogMethod => {
    if (LEVELS.indexOf(level) < from) return () => {};
    const write = (first: Readonly<Record<string, unknown>> | string, text?: string): void => {
      const given = typeof first === "string" ? { text: first } : { text, fields: first };
      const line = logLine({
        time: new Date(now()).toISOString(),
        level,
        message: given.text,
        ...(least === "debug" ? callSite(write) : {}),
        ...fields,
        ...renamed(given.fields),
      });
      try {
        destination.write(line);
      } catch {
        // Nobody reads the log; the program goes on.
      }
    };
    return write;
  };
  return {
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
    child: (more) => createLogger({ ...options, fields: { ...fields, ...renamed(more) } }),
  };
}

const OWN_FIELDS: ReadonlySet<string> = new Set(["time", "level", "message", "file", "line"]);

/** Fields named as the logger's own get an underscore, so that no field can pass for them. */
function renamed(fields: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> {
  if (!fields) return {};
  try {
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [OWN_FIELDS.has(name) ? `_${name}` : name, value]),
    );
  } catch {
    return { fields: "[unreadable]" };
  }
}

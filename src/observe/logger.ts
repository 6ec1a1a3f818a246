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
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** How much is logged. */
export type LogLevel = (typeof LEVELS)[number];

/** A logger that writes nothing. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silentLogger };

/** Writes JSON lines to standard error. */
export function createLogger(options: { readonly level?: LogLevel; readonly fields?: Readonly<Record<string, unknown>> } = {}): Logger {
  const from = LEVELS.indexOf(options.level ?? "info");
  const method = (level: LogLevel): LogMethod => {
    if (LEVELS.indexOf(level) < from) return () => {};
    return (first: unknown, text?: string) => {
      const given = typeof first === "string" ? { message: first } : { ...(first as object), message: text };
      process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, ...options.fields, ...given })}\n`);
    };
  };
  return {
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
    child: (fields) => createLogger({ ...options, fields: { ...options.fields, ...fields } }),
  };
}

import { AgentwireError } from "../errors.ts";
import { plainText } from "./terminal/plain-text.ts";
import { type Style, styleFor } from "./terminal/style.ts";

/** Where a command writes, and how. */
export interface Output {
  /** JSON for programs instead of text for people. */
  readonly json: boolean;
  readonly style: Style;
  /** Lines for people, or the value as one JSON line. */
  show(value: unknown, lines: () => readonly string[]): void;
  /** A remark for people, on standard error; nothing with `--json`. */
  remark(text: string): void;
}

/** Writes to standard output; colours on a terminal only. */
export function standardOutput(json: boolean): Output {
  return {
    json,
    style: json ? styleFor({}) : styleFor(process.stdout),
    show(value, lines) {
      process.stdout.write(
        json
          ? `${JSON.stringify(value)}\n`
          : lines()
              .map((line) => `${line}\n`)
              .join(""),
      );
    },
    remark(text) {
      if (!json) process.stderr.write(`${text}\n`);
    },
  };
}

/** Tells of an error on standard error: one line of what failed, one of what to do. */
export function tellError(error: unknown, json: boolean): void {
  const known = AgentwireError.is(error);
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    const value = known ? { code: error.code, message, hint: error.hint } : { message };
    process.stderr.write(`${JSON.stringify({ error: value })}\n`);
    return;
  }
  const style = styleFor(process.stderr);
  process.stderr.write(
    `${style.bad("agentwire:")} ${plainText(message)}${known ? style.dim(` [${error.code}]`) : ""}\n`,
  );
  if (known) process.stderr.write(`  ${plainText(error.hint)}\n`);
}

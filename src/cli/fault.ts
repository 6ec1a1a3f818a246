import { AgentwireError } from "../errors.ts";

/** Exit codes of the command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, timedOut: 3, config: 78 } as const;

/** The exit codes, for people. */
export const EXIT_HELP =
  "\nExit codes: 0 done, 1 failed, 2 wrong usage or input, 3 timed out, 78 a fault in the configuration\n";

const USAGE_CODES: readonly string[] = [
  "ARGUMENT_INVALID",
  "NAME_INVALID",
  "OUT_OF_RANGE",
  "URL_INVALID",
  "PATTERN_INVALID",
  "PAYLOAD_INVALID",
  "PAYLOAD_TOO_DEEP",
  "PAYLOAD_TOO_LARGE",
];

/** The exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (!AgentwireError.is(error)) return EXIT.failed;
  if (error.code === "TIMEOUT") return EXIT.timedOut;
  if (error.code === "CONFIG_INVALID") return EXIT.config;
  return USAGE_CODES.includes(error.code) ? EXIT.usage : EXIT.failed;
}

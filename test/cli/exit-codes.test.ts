import { expect, it } from "vitest";
import { exitCodeOf } from "../../src/cli/fault.ts";
import { AgentwireError } from "../../src/errors.ts";

it.each([
  ["TIMEOUT", 3],
  ["ARGUMENT_INVALID", 2],
  ["CONFIG_INVALID", 78],
  ["STORE_CORRUPT", 1],
] as const)("the command ends with the exit code of %s", (code, exitCode) => {
  expect(exitCodeOf(new AgentwireError(code, "it failed"))).toBe(exitCode);
});

it("the command ends with 1 for an error of another kind", () => expect(exitCodeOf(new Error("it failed"))).toBe(1));

import { expect, it } from "vitest";
import { faultError } from "../../../src/drivers/postgres/faults.ts";

it.each([
  ["ERROR", "53100", "STORAGE_FULL"],
  // The log may have taken it all the same, and is read again when the server has come back.
  ["PANIC", "53100", "INDETERMINATE"],
  ["PANIC", "58030", "INDETERMINATE"],
  ["ERROR", "58030", "INDETERMINATE"],
  ["FATAL", "57P01", "INDETERMINATE"],
  ["ERROR", "40001", "BACKPRESSURE"],
  ["ERROR", "23505", "REJECTED"],
])("answers %s %s with %s", (severity, code, expected) => {
  expect(faultError({ severity, code, message: "it failed" }, "Sending", "the server").code).toBe(expected);
});

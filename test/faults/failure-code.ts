import { AgentwireError } from "../../src/index.ts";

/** The code with which a promise fails; `"none"` when it does not. */
export async function failureCode(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return AgentwireError.is(error) ? error.code : String(error);
  }
}

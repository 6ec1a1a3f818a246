import { AgentwireError } from "../../errors.ts";

/** The client library. */
export type ClientLibrary = typeof import("@redis/client");

/** Loads the client library. @throws DRIVER_MISSING with the install command */
export async function loadClientLibrary(): Promise<ClientLibrary> {
  try {
    return await import("@redis/client");
  } catch (cause) {
    throw new AgentwireError("DRIVER_MISSING", "The redis driver needs @redis/client; npm install @redis/client", {
      cause,
    });
  }
}

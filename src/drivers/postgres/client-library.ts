import { AgentwireError } from "../../errors.ts";

/** The client library as this driver uses it. */
export type ClientLibrary = Pick<typeof import("pg"), "Client">;

/** Loads pg. @throws DRIVER_MISSING with the install command */
export async function loadClientLibrary(): Promise<ClientLibrary> {
  try {
    const { default: library } = await import("pg");
    return library;
  } catch (cause) {
    throw new AgentwireError("DRIVER_MISSING", "The postgres driver needs the package pg; npm install pg", { cause });
  }
}

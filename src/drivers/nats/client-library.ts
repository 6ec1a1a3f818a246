import { AgentwireError } from "../../errors.ts";

/** The client library. */
export type ClientLibrary = typeof import("@nats-io/transport-node");

/** Loads the client library. @throws DRIVER_MISSING with the install command */
export async function loadClientLibrary(): Promise<ClientLibrary> {
  try {
    return await import("@nats-io/transport-node");
  } catch (cause) {
    throw new AgentwireError(
      "DRIVER_MISSING",
      "The nats driver needs @nats-io/transport-node; npm install @nats-io/transport-node",
      { cause },
    );
  }
}

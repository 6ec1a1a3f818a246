import { AgentwireError } from "../../errors.ts";

/** The client library. */
export type ClientLibrary = typeof import("amqplib");

/** Loads the client library. @throws DRIVER_MISSING with the install command */
export async function loadClientLibrary(): Promise<ClientLibrary> {
  try {
    return (await import("amqplib")).default;
  } catch (cause) {
    throw new AgentwireError("DRIVER_MISSING", "The rabbitmq driver needs amqplib; npm install amqplib", { cause });
  }
}

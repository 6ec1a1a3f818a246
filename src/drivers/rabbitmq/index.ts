import type { Driver, DriverContext } from "../../broker/driver.ts";
import { AgentwireError } from "../../errors.ts";
import { LedgerBroker } from "../ledger/broker.ts";
import { RabbitmqEngine } from "./engine.ts";
import { parseOptions } from "./options.ts";
import { Session } from "./session.ts";

/**
 * Messages in a RabbitMQ server, and all else in the store of the context.
 * @throws URL_INVALID, STORE_REQUIRED
 */
export function rabbitmqDriver(url: string, context: DriverContext): Driver {
  const options = parseOptions(url);
  const { store } = context;
  if (!store)
    throw new AgentwireError("STORE_REQUIRED", "rabbitmq carries messages only; pass `store` with a second URL", {
      hint: 'Name an engine that keeps state: connect("amqp://...", { store: "postgres://..." }).',
    });
  return { broker: new LedgerBroker(new RabbitmqEngine(new Session(options, context), store), store, context) };
}

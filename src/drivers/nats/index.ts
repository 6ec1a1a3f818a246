import type { Broker } from "../../broker/broker.ts";
import type { Driver, DriverContext } from "../../broker/driver.ts";
import { LedgerBroker } from "../ledger/broker.ts";
import { parseOptions } from "./options.ts";
import { NatsQueues } from "./queues.ts";
import { Session } from "./session.ts";
import { NatsStore } from "./store.ts";

/**
 * Messages and state in JetStream of a NATS server. It is connected by the first `open` of the broker or the store, and
 * left by the last `close` of the two.
 * @throws URL_INVALID
 */
export function natsDriver(url: string, context: DriverContext): Driver {
  const session = new Session(parseOptions(url), context);
  const store = new NatsStore(session);
  const broker: Broker = new LedgerBroker(new NatsQueues(session), store, context);
  return { broker, store };
}

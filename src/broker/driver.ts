import type { Clock } from "../internal/clock.ts";
import type { Codec } from "../message/codec.ts";
import type { Envelope } from "../message/envelope.ts";
import type { Store } from "../store/store.ts";
import type { Broker } from "./broker.ts";

/** What a driver is given when it is made. */
export interface DriverContext {
  readonly clock: Clock;
  /** How messages become bytes where they are stored. */
  readonly codec: Codec;
  /** Prefix of every name in the engine: namespace and tenant. */
  readonly scope: string;
  /** Name of this process on the bus. */
  readonly instance: string;
  /** Keep what this process has accepted and what its hand-offs came to in the journal's log. Default false. */
  readonly journal?: boolean;
  /**
   * Where an engine that carries messages only keeps the rest: inboxes, keys against doubles, claims, records of ends,
   * dead letters. It is opened before the broker and closed after it. Absent: the driver has a store of its own.
   */
  readonly store?: Store;
  /** Facts worth a log line; never payloads. */
  report(event: DriverEvent): void;
}

/** A fact about a driver, for logs and `driver.*` events. */
export interface DriverEvent {
  readonly type:
    | "driver.opened"
    | "driver.closed"
    | "driver.lost"
    | "driver.restored"
    | "driver.fault"
    | "driver.quarantined"
    | "driver.repaired";
  readonly driver: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * One engine behind the contracts. Making it touches nothing outside the process. Both share one connection where they
 * can; each is opened and closed once, the store first and last.
 */
export interface Driver {
  readonly broker: Broker;
  /** Absent where the engine carries messages only; its broker then needs the context's. */
  readonly store?: Store;
}

/** A message found in an engine that is not open. */
export interface Salvaged {
  readonly message: Envelope;
  /** Where it waits; absent where that cannot be read. */
  readonly inbox?: string;
  /** Namespace and tenant of that inbox, such as `default/default`. */
  readonly bus?: string;
}

/** Which suite proves a guarantee: that of the broker contract, of the store contract, or the tests of the whole bus. */
export type GuaranteeLevel = "broker" | "store" | "bus";

/** Drivers that the table speaks of. */
export type DriverName = "memory" | "sqlite" | "redis" | "postgres" | "nats" | "rabbitmq";

/** A promise of the library. */
export interface Guarantee {
  /** One sentence. */
  readonly says: string;
  /** Where it is set down. */
  readonly stated: string;
  readonly level: GuaranteeLevel;
  /** Drivers that do not keep it, each with the reason; the others do. */
  readonly gaps?: Readonly<Partial<Record<DriverName, string>>>;
}

/** Where promises are set down. */
export const STATED = {
  PROMISES: "Guarantees, promises",
  SENDING: "Semantics, sending",
  ORDER: "Semantics, order, priority, time",
  RECEIVING: "Semantics, receiving",
  REQUESTS: "Semantics, requests",
  REGISTRY: "Semantics, registry",
  STORE: "Store contract",
} as const;

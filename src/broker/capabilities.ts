import type { DurabilityReport } from "../store/durability.ts";

/** What a broker driver can do: data, never probed. The bus and the conformance suite read it. */
export interface BrokerCapabilities {
  readonly driver: string;
  /** The class in force; settled by `open`. */
  readonly durability: DurabilityReport;
  /**
   * Settling, its record, its dead letter and the messages it emits are one atomic step. Otherwise the driver does them
   * in order: the record together with what is to be emitted, the messages, the engine's ack. Whoever meets a copy whose
   * record is there goes on from it; that sends nothing twice.
   */
  readonly atomicSettle: boolean;
  /** `publish` checks `routedAt` against the registry in its own transaction and picks by exact load. */
  readonly transactionalRouting: boolean;
  /** `inspect` can peek at waiting messages without touching their attempts. */
  readonly peek: boolean;
  /** `consume` can take chosen message types only. */
  readonly selective: boolean;
  /** `cancel` reaches waiting messages at once; otherwise they are skipped at hand-off. */
  readonly cancelWaiting: boolean;
  /** The aging guard counts over all consumers of an inbox; otherwise per consumer. */
  readonly sharedAging: boolean;
  /**
   * Of the messages of an inbox with one `orderKey` one is handed out at a time, in the order of acceptance; one that is
   * retried keeps its place, and its key waits with it. Otherwise the field is not looked at, and order is kept by `exclusive`.
   */
  readonly keyLocks: boolean;
  /** What is released or lapses goes back to its old place whoever took its neighbours; otherwise ahead of what was not handed out yet, in any order. */
  readonly releasesInPlace: boolean;
  /** `publish` counts the waiting copies of one kind, and holds to their `limit`. */
  readonly limits: boolean;
  /** `publish` goes on counting from the `attempt` of a message that comes from another engine; default false. */
  readonly attempts?: boolean;
  /**
   * What a dead holder had comes back within so many milliseconds, however long its lease. Absent: when the lease lapses,
   * or earlier where the engine sees the death.
   */
  readonly leaseLoss?: number;
}

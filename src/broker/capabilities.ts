import type { DurabilityReport } from "../store/durability.ts";

/** What a broker driver can do: data, never probed. The managed wrapper, the conformance suite and the README's table read it. */
export interface BrokerCapabilities {
  readonly driver: string;
  /** The class in force; settled by `open`. */
  readonly durability: DurabilityReport;
  /** Settling, its records, its dead letter and the messages it emits are one atomic step. Otherwise the wrapper does them in order, record first. */
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
  /** Ordering keys hold across instances; otherwise one instance is active and the others stand by. */
  readonly keyLocks: boolean;
}

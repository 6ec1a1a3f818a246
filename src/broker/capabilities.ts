/** How much a driver's engine survives: see {@link DURABILITY_CLASSES}. */
export type Durability = (typeof DURABILITY_CLASSES)[number];

/**
 * Weakest first. `none`: gone with this process. `process`: survives the death of any process, the engine's
 * included, while the machine runs. `power`: survives power loss. `replicated`: survives the loss of a node.
 */
export const DURABILITY_CLASSES = ["none", "process", "power", "replicated"] as const;

/** The class in force and how it was found out. */
export interface DurabilityReport {
  readonly class: Durability;
  /** What was read from the engine, or why it counts as the lower class. */
  readonly reason: string;
}

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

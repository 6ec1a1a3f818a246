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

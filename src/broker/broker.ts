import type { BrokerCapabilities } from "./capabilities.ts";
import type { ConsumeOptions, Consumer } from "./consumer.ts";
import type { InboxSpec, InboxStatus, InspectOptions, Waiting } from "./inbox.ts";
import type { Publication, PublishResult } from "./publication.ts";
import type { CancelledEnd } from "./settlement.ts";

/** Which messages of an inbox to cancel: one by id, all of one sender's order, or all that wait. */
export type CancelTarget =
  | { readonly id: string }
  | { readonly sender: string; readonly key: string }
  | { readonly all: true };

/** What a cancel found. */
export interface CancelResult {
  /** Copies that were waiting and have ended. */
  readonly ended: number;
  /** Copies that a consumer holds; it was told, and decides. */
  readonly held: number;
}

/** Receives the data of a signal: plain JSON. What it throws is reported as `driver.fault`, and the other listeners hear the signal all the same. */
export type SignalListener = (data: unknown) => void;

/**
 * The contract for messages. A driver translates it to one product and adds nothing of its own.
 *
 * - Names are logical: inbox names, signal topics. A driver prefixes them with the scope it was opened with.
 * - Every method but `signal` and `onSignal` may be called at any time between `open` and `close`, concurrently.
 * - A method that fails throws an AgentwireError; `publish` reports faults of single messages in its result.
 */
export interface Broker {
  readonly capabilities: BrokerCapabilities;

  /** Connects, creates what is missing, checks the engine's settings. @throws DRIVER_MISSING, STORE_CORRUPT, VERSION_UNSUPPORTED, ENGINE_STATE */
  open(): Promise<void>;

  /** Ends all consumers, releasing what they hold at once, and disconnects. Idempotent. */
  close(): Promise<void>;

  /** Creates an inbox, or updates the fields that are given. Idempotent. */
  declareInbox(spec: InboxSpec): Promise<void>;

  /**
   * Removes an inbox. All copies in it end as `dropped`, held ones at once too: `onRevoked` tells their holders, whose
   * settle is then `lost`. Returns how many ended. An unknown inbox is 0.
   */
  deleteInbox(name: string): Promise<number>;

  /**
   * Stores messages. Resolves when each is durable for every recipient, or has its error; one result per publication, in order.
   * A message is atomic over its recipients; the batch is not atomic over its messages. The order of the batch is the order
   * of acceptance in each inbox. An inbox that does not exist fails the publication with AGENT_NOT_FOUND;
   * among the messages that a settle emits, such a one is left out.
   */
  publish(batch: readonly Publication[]): Promise<PublishResult[]> | PublishResult[];

  /** Starts taking deliveries of one inbox. No delivery is made before the first `credit`. */
  consume(inbox: string, options: ConsumeOptions): Promise<Consumer>;

  /**
   * Ends waiting copies as `superseded`, `withdrawn` or `dropped`. Copies that a consumer holds are left to it:
   * its `onRevoked` is called, and if it releases or loses the copy, the copy ends then.
   */
  cancel(inbox: string, target: CancelTarget, end: CancelledEnd): Promise<CancelResult>;

  /** What the inboxes hold: all, or those named; unknown names are left out. */
  inspect(inboxes?: readonly string[], options?: InspectOptions): Promise<InboxStatus[]>;

  /** Where copies of one message still wait. */
  find(id: string): Promise<Waiting[]>;

  /** Tells everyone who listens to `topic`, this process included: at most once, in no order, never durable. Never throws. */
  signal(topic: string, data: unknown): void;

  /**
   * Listens to a topic; returns the way to stop. Where others come to know of it later than this call, `begun` is told
   * when one does, and may be told several times: what they did before was not signalled, and has to be looked for.
   */
  onSignal(topic: string, listener: SignalListener, begun?: () => void): () => void;
}

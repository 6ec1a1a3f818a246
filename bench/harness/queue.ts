/** A queue on trial: the little that all sides have in common. Messages are numbered; a side makes the rest. */
export interface Queue {
  /** Sends one message; resolves, or returns, when it is durable. */
  send(sequence: number): Promise<unknown> | void;
  /** Sends a batch in one call. */
  sendMany(sequences: readonly number[]): Promise<unknown> | void;
  /** Starts the consumer, which calls `handle` for every message and acknowledges it. */
  start(handle: (sequence: number) => void): Promise<unknown> | void;
  /** Resolves when the acknowledgments of all that was handled are durable. */
  settled(): Promise<unknown> | void;
  /** How many messages are left: waiting or held. */
  remaining(): Promise<number> | number;
  close(): Promise<unknown> | void;
}

/** `send`: the producer alone; `drain`: a consumer alone; `e2e`: both at once. */
export type Phase = "send" | "drain" | "e2e";

/** `one`: each send awaited before the next; `w256`: 256 awaited sends in flight; `bulk100`: batches of 100. */
export type Manner = "one" | "w256" | "bulk100";

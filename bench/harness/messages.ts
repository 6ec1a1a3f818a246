/** The five priorities, highest first. */
export const LEVELS = ["critical", "high", "normal", "low", "background"] as const;

/** The level of a message: all five evenly mixed. */
export function levelOf(sequence: number): number {
  return sequence % LEVELS.length;
}

/** What each message says. */
export interface Payload {
  readonly sequence: number;
  readonly text: string;
}

/** A message as every side but ours carries it: the fields of our wire form. */
export interface BenchEnvelope {
  readonly v: 1;
  readonly id: string;
  readonly type: string;
  readonly version: 1;
  readonly from: string;
  readonly to: string;
  readonly priority: string;
  readonly createdAt: number;
  readonly conversationId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Payload;
}

const ID = "0192f5c4-7a31-7b90-8c55-3f1e6a2b9d04";

/** The whole envelope of one message. */
export function envelope(sequence: number, text: string): BenchEnvelope {
  return {
    v: 1,
    id: ID,
    type: "bench.work",
    version: 1,
    from: "producer",
    to: "consumer",
    priority: LEVELS[levelOf(sequence)] as string,
    createdAt: 1_790_000_000_000,
    conversationId: ID,
    headers: {},
    payload: { sequence, text },
  };
}

/** A text that brings the envelope to about `size` bytes of JSON; empty where the fields alone are larger. */
export function filler(size: number): string {
  return "x".repeat(Math.max(0, size - JSON.stringify(envelope(99_999, "")).length));
}

/** One thing that a program under test did or saw, as it writes it down. `at` is monotonic milliseconds, comparable across the programs. */
export type HistoryEvent = SendEvent | HandOffEvent | AckEvent | EndEvent | WaitingEvent;

interface Happened {
  readonly at: number;
  /** The program's own name for the message; not the id, which a failed send never learns. */
  readonly key: string;
}

/** A send: `invoke` before the call, then `ok` (it resolved), `fail` (certainly not stored) or `unknown` (it may be). */
export interface SendEvent extends Happened {
  readonly event: "send";
  readonly step: "invoke" | "ok" | "fail" | "unknown";
  readonly sender: string;
  /** Who must get it; written with `invoke`. */
  readonly recipients?: readonly string[];
  /** Messages of one sender, recipient and lane keep their order. Default: one lane. Written with `invoke`. */
  readonly lane?: string;
  /** Hash of the payload. Written with `invoke`. */
  readonly digest?: string;
  /** When it must no longer be handed off, in wall milliseconds. Written with `ok`. */
  readonly expiresAt?: number;
}

/** A handler or reader was given the message. */
export interface HandOffEvent extends Happened {
  readonly event: "hand-off";
  readonly recipient: string;
  readonly instance: string;
  readonly attempt: number;
  readonly redelivered: boolean;
  /** Hash of the payload as it arrived. */
  readonly digest?: string;
  /** Wall milliseconds, for expiry. */
  readonly wall?: number;
}

/** An ack: `invoke` before it, then `ok` (confirmed), `lost` (refused: another holds it) or `unknown`. */
export interface AckEvent extends Happened {
  readonly event: "ack";
  readonly step: "invoke" | "ok" | "lost" | "unknown";
  readonly recipient: string;
  readonly instance: string;
}

/** A copy ended otherwise than by an ack: expired, dead-lettered, superseded, withdrawn, dropped. */
export interface EndEvent extends Happened {
  readonly event: "end";
  readonly recipient: string;
  readonly end: string;
}

/** A copy that was still in an inbox after the drain. */
export interface WaitingEvent extends Happened {
  readonly event: "waiting";
  readonly recipient: string;
}

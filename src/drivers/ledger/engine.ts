import type { AgentwireError } from "../../errors.ts";
import type { DurabilityReport } from "../../store/durability.ts";

/** A copy on its way into the engine. */
export interface NewCopy {
  readonly inbox: string;
  /** 0 is the highest. */
  readonly level: number;
  readonly body: string | Uint8Array;
  /** What the ledger has to know of it, as JSON; absent for most. */
  readonly head?: string;
  /** Of copies of one name the engine stores one within two minutes, if it can tell. */
  readonly once?: string;
}

/** A copy that the engine has given to this process: its own until it is acknowledged, given back or forgotten. */
export interface Arrival {
  readonly inbox: string;
  readonly level: number;
  readonly body: string | Uint8Array;
  readonly head: string | undefined;
  /** Tells it from the engine's other copies of the same message; the same each time that it is given to someone. */
  readonly mark: string;
  /** Its place among what waits on its level. */
  readonly order: number;
  /** `held`: it may have been given to another before. `ended`: it may even be one whose acknowledgment the engine has lost. */
  readonly doubt: "none" | "held" | "ended";
}

/** A copy that was looked at without being taken. */
export interface SeenCopy {
  readonly level: number;
  readonly body: string | Uint8Array;
  readonly head: string | undefined;
  readonly mark: string;
}

/** How copies of one inbox are taken. */
export interface SourceOptions {
  /** Wanted and unacknowledged together never exceed this; absent: unknown. */
  readonly window?: number;
  /** At most as many as are wanted, a higher level first, with the aging guard of `broker/aging.ts`. */
  onArrivals(arrivals: readonly Arrival[]): void;
}

/** Copies of one inbox, as they come. */
export interface Source {
  /** From now on so many, in place of what is left of an earlier wish. What comes beyond that goes back, untouched. */
  want(arrivals: number): void;
  /** Resolves when all that waited has arrived, as far as it is wanted. */
  tried(): Promise<void>;
  close(): Promise<void>;
}

/** What an engine tells. */
export interface EngineEvents {
  /** Arrivals that are no longer this process's; the engine gives them to anyone. */
  lost(arrivals: readonly Arrival[]): void;
  signalled(topic: string, data: string): void;
  /** The connection is back. */
  restored(): void;
  /** How many arrivals of an inbox this process has not written down yet: where only what nobody has is counted, they count with it. */
  unclaimed(inbox: string): number;
}

/**
 * What the ledger needs of an engine that carries messages and keeps no state: queues, one for each inbox and level, that
 * give each copy to one process at a time and give it again when that one is gone. All else stands in the store.
 */
export interface QueueEngine {
  readonly driver: string;
  readonly durability: DurabilityReport;
  /** There is a connection now. */
  readonly isConnected: boolean;
  /** A copy that is given again is certainly no longer in the hands of the one before. */
  readonly redeliversOnlyLost: boolean;

  open(events: EngineEvents): Promise<void>;
  close(): Promise<void>;

  /** Removes what waits in the queues of an inbox. */
  clear(inbox: string): Promise<void>;

  /** Stores copies in their order; answers for each the mark it has there, if that is known, or why it is not stored. */
  put(copies: readonly NewCopy[]): Promise<readonly (AgentwireError | string | undefined)[]>;

  take(inbox: string, options: SourceOptions): Promise<Source>;
  /** Takes up to `limit` copies that wait on a level, now. */
  fetch(inbox: string, level: number, limit: number): Promise<readonly Arrival[]>;
  /** Resolves when the engine has confirmed it, as far as it can. */
  acknowledge(arrivals: readonly Arrival[]): Promise<void>;
  /** To be given to anyone, ahead of what was never given; not before `delay` milliseconds, where the engine can wait. */
  giveBack(arrivals: readonly Arrival[], delay?: number): Promise<void>;
  /** They are somebody else's. */
  forget(arrivals: readonly Arrival[]): void;
  /** Whether it is certain that nobody else has been given a copy since it came; absent: what goes to another is told as lost. */
  readonly isSure?: ((arrival: Arrival) => boolean) | undefined;

  /** How many copies each inbox has in the engine: `all`, or only those that nobody has. */
  count(inboxes: readonly string[]): Promise<readonly ({ readonly all: number } | { readonly ready: number })[]>;
  /** Copies of an inbox as they stand there, given or not, a higher level first, each level in its order. */
  readonly look?: ((inbox: string, limit: number) => Promise<readonly SeenCopy[]>) | undefined;
  /** One copy, whoever has it. */
  readonly lookAt?: ((inbox: string, mark: string) => Promise<SeenCopy | undefined>) | undefined;
  /** Removes a copy, whoever has it; false if it was not there. */
  readonly remove?: ((inbox: string, mark: string) => Promise<boolean>) | undefined;
  /** Copies whose holder is dead: to be given to another now, in their order. */
  readonly free?:
    | ((inbox: string, copies: readonly { readonly level: number; readonly mark: string }[]) => void)
    | undefined;

  /** To all processes that hear the topic, this one too. At most once. */
  signal(topic: string, data: string): void;
  /** Resolves when it is heard. */
  hear(topic: string): Promise<void>;
  unhear(topic: string): void;
}

import type { DurabilityReport } from "./durability.ts";

/** A stored value and its revision. */
export interface Entry {
  readonly key: string;
  /** Plain JSON. */
  readonly value: unknown;
  /** Grows with every change in the store; never used twice. */
  readonly revision: number;
  /** When it vanishes, in wall milliseconds. */
  readonly expiresAt?: number;
}

/** A change of a key; `value` is absent when it was deleted or expired. */
export interface Change {
  readonly key: string;
  readonly value?: unknown;
  readonly revision: number;
}

/** Options of {@link Store.put}. */
export interface PutOptions {
  /** Only if the key has this revision now; 0: only if it is absent. */
  readonly ifRevision?: number;
  /** Vanishes after so many milliseconds. */
  readonly ttl?: number;
  /**
   * It survives the death of processes, and a loss of power once something is written after it that is not relaxed.
   * Default false. A driver for which this spares nothing writes it as any other.
   */
  readonly relaxed?: boolean;
}

/** Options of {@link Store.list}. */
export interface ListOptions {
  /** Default: no limit. */
  readonly limit?: number;
  /** Only keys that come after this one in the direction of the list; it need not be there. */
  readonly after?: string;
  /** From the last key to the first; default false. */
  readonly reverse?: boolean;
}

/** An entry of an append-only log. */
export interface LogEntry {
  /** Position in the log: larger is later; gaps are possible, reordering is not. */
  readonly position: number;
  /** Plain JSON. */
  readonly value: unknown;
}

/** Options of {@link Store.read}. */
export interface ReadOptions {
  /** Only entries after this position; default 0, the start. */
  readonly after?: number;
  /** 1 to 10,000, default 1,000. */
  readonly limit?: number;
}

/** What a store driver can do. */
export interface StoreCapabilities {
  readonly driver: string;
  /** The class in force; settled by `open`. */
  readonly durability: DurabilityReport;
  /** `transaction` makes all its operations one atomic step. */
  readonly transaction: boolean;
}

/** One step of a {@link Store.transaction}. */
export type StoreOperation =
  | { readonly put: string; readonly value: unknown; readonly ifRevision?: number; readonly ttl?: number }
  | { readonly delete: string; readonly ifRevision?: number }
  | { readonly append: string; readonly values: readonly unknown[] };

/**
 * The contract for state and journal: key-value with compare-and-set, and append-only logs. Everything resolved is durable.
 * Keys are strings of segments separated by `/`, at most 512 bytes; the first segment is the key's bucket.
 * A driver prefixes them with the scope it was opened with.
 */
export interface Store {
  readonly capabilities: StoreCapabilities;
  open(): Promise<void>;
  close(): Promise<void>;

  get(key: string): Promise<Entry | undefined>;

  /** Writes a value; returns its revision, or undefined if `ifRevision` did not hold. */
  put(key: string, value: unknown, options?: PutOptions): Promise<number | undefined>;

  /** Removes a key; false if it was absent or `ifRevision` did not hold. */
  delete(key: string, options?: { readonly ifRevision?: number }): Promise<boolean>;

  /** All entries whose key starts with `prefix`, in order of key, expired ones left out. */
  list(prefix: string, options?: ListOptions): Promise<Entry[]>;

  /**
   * Calls `listener` for changes of keys under `prefix`, in all processes, soon; a burst may be told as its last state.
   * Missed ones are found within 30 s. What a listener throws is reported as `driver.fault`, and the others are told all
   * the same. Returns the way to stop.
   */
  watch(prefix: string, listener: (changes: readonly Change[]) => void): () => void;

  /** The largest revision given to a key of this bucket, deletions included; 0 for none. Routing is checked against bucket `registry`. */
  revision(bucket: string): Promise<number>;

  /** Appends values to a log, creating it; all or none. */
  append(log: string, values: readonly unknown[]): Promise<void>;

  /** Entries of a log in order. An unknown log is empty. */
  read(log: string, options?: ReadOptions): Promise<LogEntry[]>;

  /** Names of the logs that start with `prefix`, in order. */
  logs(prefix: string): Promise<string[]>;

  /** Removes entries up to and including a position; the whole log without one. */
  trim(log: string, options?: { readonly upTo?: number }): Promise<void>;

  /** Does all or nothing; false if an `ifRevision` did not hold. Needs the capability `transaction`. */
  transaction(operations: readonly StoreOperation[]): Promise<boolean>;
}

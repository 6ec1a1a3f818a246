import type { Layer } from "./agent/layer.ts";
import type { Duration } from "./message/duration.ts";
import type { Logger } from "./observe/logger.ts";
import type { Durability } from "./store/durability.ts";

/** How long ended things are kept. */
export interface Retention {
  /** Records of ends; default `"1d"`. */
  readonly receipts?: Duration;
  /** Records of ends kept at most, the newest; looked at every 5 minutes. 1 to 1e9, default 1,000,000 (memory: never more than 10,000). */
  readonly mostReceipts?: number;
  /** Default `"30d"`. */
  readonly deadLetters?: Duration;
  /** Default `"7d"`, where history is on. */
  readonly history?: Duration;
}

/** Where audit files are written, and how long they stay. */
export interface AuditOptions {
  readonly directory: string;
  /** Days kept, today not counted; 1 to 36,500, default 30. */
  readonly days?: number;
}

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** Name under which the bus itself sends; default `"bus"`. */
  readonly name?: string;
  /** Separates several buses on one engine; default `"default"`. */
  readonly namespace?: string;
  /** Separates tenants within a namespace; default `"default"`. */
  readonly tenant?: string;
  /**
   * URL of a second engine for registry, receipts and state; only where the first carries messages only. Default: none, or
   * `AGENTWIRE_STORE` where the first is taken from the environment too.
   */
  readonly store?: string;
  /** Refuse an engine that survives less. Default: take what there is; see `bus.guarantees()`. */
  readonly require?: Durability;
  /** How messages are stored; default `"json"`. `"msgpack"` needs the package msgpackr. */
  readonly codec?: "json" | "msgpack";
  /** Keep every message and event in the journal, for history, replay and execution trees. Default false. */
  readonly history?: boolean;
  readonly retention?: Retention;
  /** Write what happens as JSON lines: `DIRECTORY/DAY/message_audit_DAY.jsonl` and its kin. Default: not. */
  readonly audit?: AuditOptions;
  /** Count messages by type and outcome, for `bus.stats()`. Default false. */
  readonly statistics?: boolean;
  /** pino-compatible; default: warnings and errors as JSON lines on standard error. `false` for none. */
  readonly logger?: Logger | false;
  /** Layers around everything that is sent and handled, the first outermost. */
  readonly use?: readonly Layer[];
  /** Closes the bus. */
  readonly signal?: AbortSignal;
  /** How often this process tells of its agents; default `"10s"`, at least 100 ms. */
  readonly heartbeat?: Duration;
}

import type { AgentSpec } from "../agent/definition.ts";
import type { ExponentialOptions, RetryPolicy } from "../delivery/retry-policy.ts";
import type { Duration } from "../message/duration.ts";
import type { MessageType } from "../message/index.ts";

type Spec = AgentSpec<string, readonly MessageType[], readonly MessageType[]>;
/** What plain data cannot say: message types and functions. */
type Code = "sends" | "receives" | "orderKey" | "use" | "onStart" | "onStop" | "onError";

/** The fields of a definition that are plain data. */
export type PlainFields = Omit<Spec, Code | "name">;

/** A retry policy as plain data. */
export interface RetryConfig extends Omit<RetryPolicy, "backoff"> {
  readonly backoff?: "immediate" | { readonly linear: Duration } | { readonly exponential: ExponentialOptions };
}

/** One agent of a configuration file: which factory makes it, and what of its definition is replaced. */
export interface AgentConfig extends Omit<PlainFields, "retry"> {
  /** Under which it joins. */
  readonly name: string;
  /** A name in the table of factories; default `"default"`. */
  readonly factory?: string;
  /** Plain JSON for the factory. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly retry?: RetryConfig;
}

import type { InboxOverflow } from "../broker/inbox.ts";
import type { Accepts } from "../bus/sending.ts";
import type { RetryPolicy } from "../delivery/retry-policy.ts";
import { AgentwireError } from "../errors.ts";
import type { Duration } from "../message/duration.ts";
import type { Message, MessageType } from "../message/index.ts";
import { checkName } from "../message/name.ts";
import { compilePattern } from "../message/pattern.ts";
import { type AgentKind, type AgentLimits, type Capability, MOST_SUBSCRIPTIONS } from "../registry/record.ts";
import type { Handler } from "./handler.ts";
import type { Layer } from "./layer.ts";

/** What `sends` holds when nothing is declared: its name is the compiler's advice. */
export type Nothing = MessageType<"nothing: list the type in this agent's `sends`", { payload: never }>;

/** An agent as it is written down. */
export interface AgentSpec<N extends string, S extends readonly MessageType[], R extends readonly MessageType[]> {
  /** 1 to 128 bytes of letters, digits, `_`, `-`, in segments separated by dots. */
  readonly name: N;
  readonly kind?: AgentKind;
  readonly description?: string;
  readonly role?: string;
  readonly department?: string;
  readonly region?: string;
  readonly labels?: readonly string[];
  /** What it can do, by name or with a version. */
  readonly capabilities?: readonly (string | Capability)[];
  /** Plain JSON for people and programs that look it up. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Types it sends, beside its replies. */
  readonly sends?: S;
  /** Types it takes by pull; `.on` adds those with handlers. */
  readonly receives?: R;
  /** Channel patterns it is subscribed to from the start. */
  readonly subscribes?: readonly string[];
  /** Handlers that run at once; 1 to 10,000, default 1. */
  readonly concurrency?: number;
  /** Deliveries held at most, running ones included; default 2 x concurrency, at least 8. */
  readonly prefetch?: number;
  /** How long a delivery belongs to an instance whose process has gone silent; default `"30s"`, at least 100 ms. */
  readonly lease?: Duration;
  /** How long a handler may run; default `"5m"`. */
  readonly handlerTimeout?: Duration;
  readonly retry?: RetryPolicy;
  /** Messages its inbox holds at most; default 1,000,000. */
  readonly capacity?: number;
  /** What a full inbox does: refuse, let senders wait, or drop the oldest of the lowest priority. Default `reject`. */
  readonly overflow?: InboxOverflow | "wait";
  /** Messages with the same key are handled one after the other, in order, at any concurrency. One instance is active, the others stand by. */
  readonly orderKey?: (message: Message<MessageType>) => string;
  readonly limits?: AgentLimits;
  /** Layers around this agent's sending and handling, inside those of the bus. */
  readonly use?: readonly Layer[];
  /** Runs before others learn of this copy of the agent. What it throws is what `join` fails with, and nothing is registered. */
  onStart?(): void | Promise<void>;
  /** Runs after the last delivery, or where joining fails after `onStart`. */
  onStop?(): void | Promise<void>;
  /** Told of each failed attempt; it changes nothing. */
  onError?(error: unknown, message: Message<MessageType>): void;
}

/** A handler with the type it handles. */
export interface HandlerEntry {
  readonly type: MessageType;
  readonly handler: Handler<MessageType, MessageType>;
}

/** What a definition holds, for those who run it. */
export interface DefinitionParts {
  readonly spec: AgentSpec<string, readonly MessageType[], readonly MessageType[]>;
  readonly handlers: ReadonlyMap<string, HandlerEntry>;
}

/** An agent that can join a bus: immutable, `.on` returns a wider one. */
export interface AgentDefinition<N extends string, S, R> extends Accepts<R> {
  readonly name: N;
  /** @internal */
  readonly "~parts": DefinitionParts;
  /** Adds a handler for a type. @throws ARGUMENT_INVALID when the type has one */
  on<const T extends MessageType>(type: T, handler: Handler<T, S>): AgentDefinition<N, S, R | T>;
}

/** A definition of any agent, where several kinds are held together. */
export interface AnyAgentDefinition {
  readonly name: string;
  /** @internal */
  readonly "~parts": DefinitionParts;
}

/** Starts an agent's definition; add handlers with `.on`. @throws NAME_INVALID, OUT_OF_RANGE, ARGUMENT_INVALID, PATTERN_INVALID, LIMIT_EXCEEDED */
export function defineAgent<
  const N extends string,
  const S extends readonly MessageType[] = readonly Nothing[],
  const R extends readonly MessageType[] = [],
>(spec: AgentSpec<N, S, R>): AgentDefinition<N, S[number], R[number]> {
  checkName(spec.name, "agent");
  checkCount(spec.concurrency, "concurrency", 10_000);
  checkCount(spec.prefetch, "prefetch", 100_000);
  checkCount(spec.capacity, "capacity", 1_000_000_000);
  checkSubscriptions(spec.name, spec.subscribes ?? []);
  return new Definition({
    spec: spec as unknown as DefinitionParts["spec"],
    handlers: new Map(),
  }) as unknown as AgentDefinition<N, S[number], R[number]>;
}

class Definition {
  readonly name: string;
  readonly "~parts": DefinitionParts;

  constructor(parts: DefinitionParts) {
    this.name = parts.spec.name;
    this["~parts"] = parts;
  }

  on(type: MessageType, handler: Handler<MessageType, MessageType>): Definition {
    const { spec, handlers } = this["~parts"];
    if (handlers.has(type.name))
      throw new AgentwireError("ARGUMENT_INVALID", `Agent "${spec.name}" handles ${type.name} twice`);
    if (typeof handler !== "function")
      throw new AgentwireError("ARGUMENT_INVALID", `The handler of ${type.name} must be a function`);
    return new Definition({ spec, handlers: new Map([...handlers, [type.name, { type, handler }]]) });
  }
}

function checkSubscriptions(agent: string, patterns: readonly string[]): void {
  if (patterns.length > MOST_SUBSCRIPTIONS) {
    throw new AgentwireError(
      "LIMIT_EXCEEDED",
      `Agent "${agent}" has ${patterns.length} subscriptions; at most ${MOST_SUBSCRIPTIONS} are allowed`,
    );
  }
  for (const pattern of patterns) compilePattern(pattern);
}

function checkCount(value: number | undefined, name: string, max: number): void {
  if (value !== undefined && (!Number.isInteger(value) || value < 1 || value > max)) {
    throw new AgentwireError("OUT_OF_RANGE", `${name} must be a whole number from 1 to ${max}, not ${String(value)}`);
  }
}

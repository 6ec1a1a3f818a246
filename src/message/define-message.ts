import { AgentwireError } from "../errors.ts";
import type { Compiled, CompiledType } from "./compiled.ts";
import { type Duration, parseDuration } from "./duration.ts";
import { PRIORITIES, type Priority } from "./envelope.ts";
import type { None, Schema, TypesOf } from "./inference.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { DraftOptions, MessageDraft, MessageType } from "./message-type.ts";
import { checkName } from "./name.ts";
import { compileSchema } from "./schema.ts";
import { type Upcast, upcaster } from "./upcast.ts";

/** Options of {@link defineMessage}. */
export interface TypeOptions<R, C> {
  /** Schema of the reply; a handler must then return it. */
  readonly reply?: R;
  /** Schema of the chunks that a streaming handler yields. */
  readonly chunk?: C;
  /** 1 and up; default 1. */
  readonly version?: number;
  /** By older version: how its payload becomes one of the version after it. Without one it goes on as it is. */
  readonly upcast?: { readonly [from: number]: Upcast };
  readonly description?: string;
  /** Where it is published when the sender names no channel. */
  readonly channel?: string;
  /** Default `normal`. */
  readonly priority?: Priority;
  /** Default: for ever. */
  readonly ttl?: Duration;
}

const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  "reply",
  "chunk",
  "version",
  "upcast",
  "description",
  "channel",
  "priority",
  "ttl",
]);

/**
 * Defines a message type: a name, a schema, and perhaps the schemas of its reply and chunks.
 * The schema is any Standard Schema, or JSON Schema 2020-12. Its input travels and must be JSON; handlers get its output.
 * @throws NAME_INVALID, SCHEMA_INVALID, SCHEMA_UNSAFE, OUT_OF_RANGE, ARGUMENT_INVALID
 */
export function defineMessage<
  const N extends string,
  const S extends Schema,
  const R extends Schema | None = None,
  const C extends Schema | None = None,
>(name: N, schema: S, options: TypeOptions<R, C> = {}): MessageType<N, TypesOf<S, R, C>> {
  checkName(name, "message type");
  for (const option of Object.keys(options)) {
    if (option !== "__proto__" && !KNOWN_OPTIONS.has(option)) {
      throw new AgentwireError("ARGUMENT_INVALID", `defineMessage has no option "${option}" (in ${name})`);
    }
  }
  const { version = 1, reply, chunk, upcast = {}, channel, priority, ttl } = options;
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new AgentwireError("OUT_OF_RANGE", `The version of ${name} must be a whole number from 1`);
  }
  if (channel !== undefined) checkName(channel, "channel");
  if (priority !== undefined && !PRIORITIES.includes(priority)) {
    throw new AgentwireError("OUT_OF_RANGE", `The priority of ${name} must be one of ${PRIORITIES.join(", ")}`);
  }
  if (ttl !== undefined) parseDuration(ttl, { name: `The ttl of ${name}` });
  const compiled: CompiledType = {
    payload: compileSchema(schema, name),
    reply: reply === undefined ? undefined : compileSchema(reply as Schema, `${name}'s reply`),
    chunk: chunk === undefined ? undefined : compileSchema(chunk as Schema, `${name}'s chunk`),
    upcast: upcaster({ name, version, steps: upcast }),
  };
  return new DefinedMessage(name, version, compiled, options) as unknown as MessageType<N, TypesOf<S, R, C>>;
}

class DefinedMessage {
  readonly name: string;
  readonly version: number;
  readonly description: string | undefined;
  readonly channel: string | undefined;
  readonly priority: Priority | undefined;
  readonly ttl: Duration | undefined;
  readonly "~compiled": CompiledType;

  constructor(name: string, version: number, compiled: CompiledType, options: TypeOptions<unknown, unknown>) {
    this.name = name;
    this.version = version;
    this["~compiled"] = compiled;
    this.description = options.description;
    this.channel = options.channel;
    this.priority = options.priority;
    this.ttl = options.ttl;
  }

  get hasReply(): boolean {
    return this["~compiled"].reply !== undefined;
  }

  is(message: { readonly type: string }): boolean {
    return message.type === this.name;
  }

  message(payload: unknown, options?: DraftOptions): MessageDraft<DefinedMessage> {
    return { type: this, payload, options };
  }

  jsonSchema(): JsonSchema {
    return (this["~compiled"].payload as Compiled).jsonSchema();
  }
}

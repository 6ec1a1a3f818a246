import { AgentwireError, type Issue } from "../errors.ts";
import { type Compiled, compiled, type Validation } from "../message/compiled.ts";
import type { Envelope } from "../message/envelope.ts";
import type { MessageType } from "../message/index.ts";
import { copyPlain } from "../message/plain.ts";

/** Checks what a sender passes and copies it: plain, frozen JSON that fits the type's schema. The caller's object is left alone. @throws PAYLOAD_INVALID and its kin, VALIDATION_FAILED */
export function plainPayload(type: MessageType, payload: unknown): unknown | Promise<unknown> {
  return checkInput(type.name, compiled(type).payload, payload);
}

/** Checks a reply as a handler returns it. @throws as {@link plainPayload} */
export function plainReply(type: MessageType, reply: unknown): unknown | Promise<unknown> {
  return checkInput(`${type.name}'s reply`, compiled(type).reply, reply);
}

/** Checks a chunk as a handler yields it. @throws as {@link plainPayload} */
export function plainChunk(type: MessageType, chunk: unknown): unknown | Promise<unknown> {
  return checkInput(`${type.name}'s chunk`, compiled(type).chunk, chunk);
}

/** The schema's output for a delivered payload, brought up to the type's version first. @throws VALIDATION_FAILED */
export function readPayload(type: MessageType, message: Envelope): unknown | Promise<unknown> {
  const { payload, upcast } = compiled(type);
  const current = message.version < type.version ? upcast(message.payload, message.version) : message.payload;
  return readOutput(type.name, payload, current);
}

/** The schema's output for a reply that has arrived. @throws VALIDATION_FAILED */
export function checkReply(
  type: MessageType,
  expected: MessageType | undefined,
  reply: Envelope,
): unknown | Promise<unknown> {
  if (expected !== undefined) return readOutput(expected.name, compiled(expected).payload, reply.payload);
  return readOutput(`${type.name}'s reply`, compiled(type).reply, reply.payload);
}

/** The schema's output for a chunk that has arrived. @throws VALIDATION_FAILED */
export function checkChunk(type: MessageType, chunk: unknown): unknown | Promise<unknown> {
  return readOutput(`${type.name}'s chunk`, compiled(type).chunk, chunk);
}

function checkInput(what: string, schema: Compiled | undefined, value: unknown): unknown | Promise<unknown> {
  const plain = copyPlain(value, what);
  if (schema === undefined) return plain;
  const result = schema.validate(plain);
  return result instanceof Promise
    ? result.then((later) => (accept(what, later), plain))
    : (accept(what, result), plain);
}

function readOutput(what: string, schema: Compiled | undefined, value: unknown): unknown | Promise<unknown> {
  if (schema === undefined) return value;
  const result = schema.validate(value);
  return result instanceof Promise ? result.then((later) => accept(what, later)) : accept(what, result);
}

function accept(what: string, result: Validation): unknown {
  if (result.issues === undefined) return result.value;
  throw new AgentwireError("VALIDATION_FAILED", `${what} does not fit its schema: ${listed(result.issues)}`, {
    details: { type: what, issues: result.issues },
  });
}

function listed(issues: readonly Issue[]): string {
  const shown = issues.slice(0, 3).map((issue) => `${issue.path.join(".") || "the value"}: ${issue.message}`);
  return issues.length > 3 ? `${shown.join("; ")}; and ${issues.length - 3} more` : shown.join("; ");
}

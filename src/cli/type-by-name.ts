import { defineMessage } from "../message/define-message.ts";
import { jsonSchema } from "../message/schema.ts";

/** A message type of which only the name is known: it takes any JSON, and the receiver's own schema decides. */
export function typeByName(name: string, version = 1) {
  return defineMessage(name, jsonSchema<unknown>({}), { version });
}

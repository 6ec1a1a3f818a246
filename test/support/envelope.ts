import type { Envelope } from "../../src/message/envelope.ts";

/** A message from `sender` with this id; what is given replaces the rest. */
export function envelope(id: string, fields: Partial<Envelope> = {}): Envelope {
  return {
    v: 1,
    id,
    type: "note",
    version: 1,
    from: "sender",
    priority: "normal",
    createdAt: 1,
    conversationId: id,
    headers: {},
    payload: {},
    ...fields,
  };
}

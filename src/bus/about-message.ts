import type { Envelope } from "../message/envelope.ts";
import type { BusEvent } from "../observe/events.ts";

/** What events say of a message. */
export function aboutMessage(
  envelope: Envelope,
): Pick<
  Extract<BusEvent, { type: "message.unrouted" }>,
  "at" | "id" | "message" | "from" | "conversation" | "cause" | "channel"
> {
  return {
    at: envelope.createdAt,
    id: envelope.id,
    message: envelope.type,
    from: envelope.from,
    conversation: envelope.conversationId,
    ...(envelope.causationId === undefined ? {} : { cause: envelope.causationId }),
    ...(envelope.channel === undefined ? {} : { channel: envelope.channel }),
  };
}

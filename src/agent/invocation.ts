import { plainChunk } from "../bus/checking.ts";
import type { Message, MessageType } from "../message/index.ts";
import type { HandlerEntry } from "./definition.ts";
import type { DeliverInterceptor } from "./handler.ts";
import type { HandlerContext } from "./handler-context.ts";
import type { Run } from "./handler-run.ts";
import type { AgentHost } from "./host.ts";

/** What a streaming handler returned, with the headers that describe its chunks. */
export class Streamed {
  readonly value: unknown;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(value: unknown, headers: Readonly<Record<string, string>> | undefined) {
    this.value = value;
    this.headers = headers;
  }
}

/** Whether a handler's result gives chunks one after the other. */
export function isGenerator(value: unknown): value is AsyncGenerator<unknown, unknown, void> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value && "next" in value;
}

type Handle = (message: Message<MessageType>, context: HandlerContext) => Promise<unknown>;

/** A handler within its interceptors, the first of them outermost. */
export function intercepted(handler: HandlerEntry["handler"], delivering: readonly DeliverInterceptor[]): Handle {
  let next: Handle = async (inner, context) => handler(inner, context);
  for (const interceptor of [...delivering].reverse()) {
    next = interceptor(next as Parameters<DeliverInterceptor>[0]) as Handle;
  }
  return next;
}

/** Sends a handler's chunks as they come, to whoever asked. */
export async function streamed(
  host: AgentHost,
  run: Run,
  chunks: AsyncGenerator<unknown, unknown, void>,
): Promise<Streamed> {
  const { message } = run.delivery;
  const { type } = run.entry as HandlerEntry;
  const producer = message.replyInbox === undefined ? undefined : host.sending.chunks.produce(message.id, run.attempt);
  try {
    for (;;) {
      const step = await chunks.next();
      if (step.done) return new Streamed(step.value, producer?.end());
      if (run.over) await chunks.return(undefined);
      producer?.send(await plainChunk(type, step.value));
    }
  } catch (error) {
    producer?.abandon();
    throw error;
  }
}

import { AgentwireError } from "../errors.ts";
import type { Envelope } from "../message/envelope.ts";
import type { MessageType } from "../message/index.ts";
import { checkChunk, checkReply } from "./checking.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Origin } from "./origin.ts";
import type { ReplyStream, RequestOptions } from "./sending.ts";
import { CHUNK_COUNT, type ChunkSignal, type StreamChunks } from "./stream-chunks.ts";

/** How long the reader waits for a missed chunk before it asks again, and how often it asks, once the reply is there. */
const RESEND_WAIT = 250;
const RESENDS = 20;

/** Sends a request and reads its chunks. */
export function startStream(
  dispatcher: Dispatcher,
  chunks: StreamChunks,
  origin: Origin,
  type: MessageType,
  payload: unknown,
  options: RequestOptions<never, MessageType>,
): ReplyStream<unknown, unknown> {
  const reader = new ChunkReader(type);
  const whole = dispatcher.ask(origin, type, payload, options, (id) => reader.listen(chunks, id));
  whole.then(
    (reply) => reader.replied(reply),
    (error: unknown) => reader.fail(error),
  );
  const reply = whole.then((message) => checkReply(type, options.expect, message));
  // Whoever only iterates sees the failure there.
  reply.catch(() => {});
  return { reply, [Symbol.asyncIterator]: () => reader.read() };
}

/** Puts chunks in order and asks again for missing ones. */
class ChunkReader {
  readonly #type: MessageType;
  readonly #waiting = new Map<number, unknown>();
  #attempt = 0;
  #next = 0;
  #total: number | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};
  #source: ReturnType<StreamChunks["consume"]> | undefined;
  #asks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(type: MessageType) {
    this.#type = type;
  }

  listen(chunks: StreamChunks, request: string): void {
    this.#source = chunks.consume(request, (signal) => this.#take(signal));
  }

  replied(reply: Envelope): void {
    this.#total = Number(reply.headers[CHUNK_COUNT] ?? 0);
    if (this.#next + this.#waiting.size < this.#total) this.#askAgain();
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  async *read(): AsyncGenerator<unknown> {
    try {
      for (;;) {
        while (this.#waiting.has(this.#next)) {
          const chunk = this.#waiting.get(this.#next);
          this.#waiting.delete(this.#next++);
          const checked = checkChunk(this.#type, chunk);
          yield checked instanceof Promise ? await checked : checked;
        }
        if (this.#failure) throw this.#failure.error;
        if (this.#total !== undefined && this.#next >= this.#total) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      clearTimeout(this.#timer);
      this.#source?.stop();
    }
  }

  #take(signal: ChunkSignal): void {
    if (signal.attempt < this.#attempt) return;
    if (signal.attempt > this.#attempt) this.#restart(signal.attempt);
    if (signal.sequence < this.#next) return;
    this.#waiting.set(signal.sequence, signal.chunk);
    // A gap shows that a chunk was missed, not that it is late: one producer's signals keep their order.
    if (!this.#waiting.has(this.#next) && !this.#timer) this.#askAgain();
    this.#wake();
  }

  /** Another attempt starts from its first chunk; that is unseen only as long as none has been read. */
  #restart(attempt: number): void {
    if (this.#next > 0 && this.#attempt > 0) {
      this.fail(
        new AgentwireError(
          "STREAM_BROKEN",
          `The producer of this ${this.#type.name} stream died, and its next attempt starts over`,
        ),
      );
      return;
    }
    this.#attempt = attempt;
    this.#waiting.clear();
  }

  #askAgain(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const complete = this.#waiting.has(this.#next) || (this.#total !== undefined && this.#next >= this.#total);
    if (complete || this.#failure) return;
    if (++this.#asks > RESENDS) {
      this.fail(new AgentwireError("STREAM_BROKEN", `Chunk ${this.#next} of this ${this.#type.name} stream was lost`));
      return;
    }
    this.#source?.resend(this.#next);
    this.#timer = setTimeout(() => this.#askAgain(), RESEND_WAIT);
    this.#timer.unref();
  }
}

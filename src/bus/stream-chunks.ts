import { createHash } from "node:crypto";
import type { Broker } from "../broker/broker.ts";
import type { Clock } from "../internal/clock.ts";

/** Header of a streamed request's reply: how many chunks there were. */
export const CHUNK_COUNT = "agentwire-chunks";
/** Header of a streamed request's reply: SHA-256 over the chunks' JSON texts, hex. */
const CHUNK_HASH = "agentwire-chunks-sha256";

/** How long a producer keeps the chunks of an ended stream for those who missed some, in milliseconds. */
const KEEP = 60_000;

/** One chunk on its way: at most once, so the reader asks again for what it misses. */
export interface ChunkSignal {
  readonly attempt: number;
  readonly sequence: number;
  readonly chunk: unknown;
}

type Signals = Pick<Broker, "signal" | "onSignal">;

/** Chunks of streaming replies: they travel as signals, and again from the producer's memory when one was missed. */
export class StreamChunks {
  readonly #signals: Signals;
  readonly #clock: Clock;
  readonly #kept = new Set<() => void>();

  constructor(signals: Signals, clock: Clock) {
    this.#signals = signals;
    this.#clock = clock;
  }

  /** Starts the producing side of a stream. */
  produce(request: string, attempt: number): ChunkProducer {
    return new ChunkProducer(this.#signals, request, attempt, (forget) => this.#keep(forget));
  }

  /** Listens to the chunks of a request; `resend` asks the producer for all from a sequence on. */
  consume(request: string, listener: (signal: ChunkSignal) => void): { resend(from: number): void; stop(): void } {
    const stop = this.#signals.onSignal(`chunk.${request}`, (data) => listener(data as ChunkSignal));
    return { resend: (from) => this.#signals.signal(`resend.${request}`, { from }), stop };
  }

  /** Forgets the chunks of all streams. */
  close(): void {
    for (const forget of this.#kept) forget();
    this.#kept.clear();
  }

  #keep(forget: () => void): void {
    this.#kept.add(forget);
    this.#clock.after(KEEP, () => {
      if (this.#kept.delete(forget)) forget();
    });
  }
}

/** The producing side of one stream. */
export class ChunkProducer {
  readonly #signals: Signals;
  readonly #request: string;
  readonly #attempt: number;
  readonly #chunks: unknown[] = [];
  readonly #hash = createHash("sha256");
  readonly #stop: () => void;
  readonly #keep: (forget: () => void) => void;

  constructor(signals: Signals, request: string, attempt: number, keep: (forget: () => void) => void) {
    this.#signals = signals;
    this.#request = request;
    this.#attempt = attempt;
    this.#keep = keep;
    this.#stop = signals.onSignal(`resend.${request}`, (data) => this.#resend((data as { from: number }).from));
  }

  /** Sends the next chunk: plain, checked JSON. */
  send(chunk: unknown): void {
    this.#chunks.push(chunk);
    this.#hash.update(JSON.stringify(chunk));
    this.#tell(this.#chunks.length - 1);
  }

  /** Ends the stream; returns the headers that its reply carries. */
  end(): Readonly<Record<string, string>> {
    this.#keep(this.#stop);
    return { [CHUNK_COUNT]: String(this.#chunks.length), [CHUNK_HASH]: this.#hash.digest("hex") };
  }

  /** Ends the stream without a reply. */
  abandon(): void {
    this.#stop();
  }

  #resend(from: number): void {
    for (let sequence = Math.max(0, from); sequence < this.#chunks.length; sequence++) this.#tell(sequence);
  }

  #tell(sequence: number): void {
    this.#signals.signal(`chunk.${this.#request}`, {
      attempt: this.#attempt,
      sequence,
      chunk: this.#chunks[sequence],
    } satisfies ChunkSignal);
  }
}

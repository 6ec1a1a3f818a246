import type { SignalListener } from "../../broker/broker.ts";
import { RECEIPT_SIGNAL } from "../../broker/receipt-log.ts";
import type { Hearer, Line, Topics } from "./topics.ts";

const SIGNAL = {
  name: "signal",
  text: "SELECT set_config('synchronous_commit', 'off', true), tell(t, d) FROM unnest($1::text[], $2::text[]) AS s(t, d)",
};

/** Signals within this process and to the others. Those of one turn of the event loop go together. */
export class Signals {
  readonly #line: Line;
  readonly #topics: Topics;
  readonly #scope: string;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Map<string, Set<SignalListener>>();
  #batch: [topic: string, data: string][] = [];

  constructor(line: Line, topics: Topics, around: { scope: string; onError: (error: unknown) => void }) {
    this.#line = line;
    this.#topics = topics;
    this.#scope = around.scope;
    this.#onError = around.onError;
  }

  send(topic: string, data: unknown): void {
    if (this.#listeners.has(topic)) queueMicrotask(() => this.#tell(topic, data));
    // "j": whoever sends this has told its own listeners.
    if (this.#batch.push([this.#topic(topic), `j${JSON.stringify(data)}`]) === 1) queueMicrotask(() => this.#flush());
  }

  listen(topic: string, listener: SignalListener, begun?: () => void): () => void {
    // One of its own for each call, so that a listener given twice is told twice and stops once.
    const own: SignalListener = (data) => listener(data);
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners);
    listeners.add(own);
    const hearer: Hearer = (text, isOwn) => {
      if (isOwn && text.startsWith("j")) return;
      this.#call(own, JSON.parse(text.slice(1)));
    };
    const stop = this.#topics.hear(this.#topic(topic), hearer, begun && (() => this.#call(begun, undefined)));
    return () => {
      if (!listeners.delete(own)) return;
      if (listeners.size === 0) this.#listeners.delete(topic);
      stop();
    };
  }

  /** Tells of records that can be read. */
  records(records: readonly unknown[]): void {
    this.send(RECEIPT_SIGNAL, records);
  }

  clear(): void {
    this.#listeners.clear();
  }

  #topic(topic: string): string {
    return `${this.#scope}:${topic}`;
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    // At most once: what cannot be sent now is not sent.
    this.#line
      .call("Signalling", { ...SIGNAL, values: [batch.map(([topic]) => topic), batch.map(([, data]) => data)] })
      .catch(() => {});
  }

  #tell(topic: string, data: unknown): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) this.#call(listener, data);
  }

  #call(listener: (data: unknown) => void, data: unknown): void {
    try {
      listener(data);
    } catch (error) {
      this.#onError(error);
    }
  }
}

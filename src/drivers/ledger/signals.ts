import type { SignalListener } from "../../broker/broker.ts";
import type { QueueEngine } from "./engine.ts";

/** Signals over an engine, to and from all processes. */
export class Signals {
  readonly #engine: QueueEngine;
  readonly #fault: (error: unknown) => void;
  readonly #listeners = new Map<string, Map<SignalListener, (() => void) | undefined>>();

  constructor(engine: QueueEngine, fault: (error: unknown) => void) {
    this.#engine = engine;
    this.#fault = fault;
  }

  send(topic: string, data: unknown): void {
    this.#engine.signal(topic, JSON.stringify(data) ?? "null");
  }

  listen(topic: string, listener: SignalListener, begun?: () => void): () => void {
    // One of its own for each call, so that a listener given twice is told twice and stops once.
    const own: SignalListener = (data) => listener(data);
    const listeners = this.#listeners.get(topic) ?? new Map<SignalListener, (() => void) | undefined>();
    const isFirst = listeners.size === 0;
    this.#listeners.set(topic, listeners.set(own, begun));
    const heard = isFirst || begun ? this.#engine.hear(topic) : Promise.resolve();
    heard.then(() => listeners.has(own) && begun && this.#tell(begun), this.#fault);
    return () => {
      if (!listeners.delete(own) || listeners.size > 0) return;
      if (this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
      this.#engine.unhear(topic);
    };
  }

  /** A signal came. */
  arrived(topic: string, text: string): void {
    const listeners = this.#listeners.get(topic);
    if (!listeners) return;
    let data: unknown;
    try {
      data = JSON.parse(text);
    } catch {
      // Another program's; a signal may be lost.
      return;
    }
    for (const listener of [...listeners.keys()]) this.#tell(() => listener(data));
  }

  /** All topics are heard again; what was signalled meanwhile was not. */
  begun(): void {
    for (const listeners of this.#listeners.values())
      for (const begun of [...listeners.values()]) if (begun) this.#tell(begun);
  }

  clear(): void {
    for (const topic of this.#listeners.keys()) this.#engine.unhear(topic);
    this.#listeners.clear();
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#fault(error);
    }
  }
}

import type { SignalListener } from "../../broker/broker.ts";
import type { Session } from "./session.ts";

/** Signals to and from all processes, this one included. */
export class Signals {
  readonly #session: Session;
  readonly #listeners = new Map<string, Map<SignalListener, (() => void) | undefined>>();

  constructor(session: Session) {
    this.#session = session;
  }

  send(topic: string, data: unknown): void {
    const text = JSON.stringify(data) ?? "null";
    this.#session.signal(topic, text);
    if (this.#listeners.has(topic)) queueMicrotask(() => this.arrived(topic, text));
  }

  listen(topic: string, listener: SignalListener, begun?: () => void): () => void {
    // One of its own for each call, so that a listener given twice is told twice and stops once.
    const own: SignalListener = (data) => listener(data);
    const listeners = this.#listeners.get(topic) ?? new Map<SignalListener, (() => void) | undefined>();
    this.#listeners.set(topic, listeners.set(own, begun));
    void this.#session.hear(topic).then(() => listeners.has(own) && begun && this.#tell(begun, topic));
    return () => {
      if (!listeners.delete(own)) return;
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
      this.#session.unhear(topic);
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
    for (const listener of [...listeners.keys()]) this.#tell(() => listener(data), topic);
  }

  /** All topics are heard again; what was signalled meanwhile was not. */
  begun(): void {
    for (const [topic, listeners] of this.#listeners)
      for (const begun of [...listeners.values()]) if (begun) this.#tell(begun, topic);
  }

  /** Forgets all listeners. */
  clear(): void {
    for (const [topic, listeners] of this.#listeners) for (const _ of listeners) this.#session.unhear(topic);
    this.#listeners.clear();
  }

  #tell(call: () => void, topic: string): void {
    try {
      call();
    } catch (error) {
      this.#session.report({
        type: "driver.fault",
        message: `A signal listener threw: ${(error as Error).message}`,
        details: { topic },
      });
    }
  }
}

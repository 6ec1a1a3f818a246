import type { SignalListener } from "../../broker/broker.ts";

/** Who listens to which topic, over all drivers of one scope. */
export class Signals {
  readonly #listeners = new Map<string, Set<SignalListener>>();

  /** Whether anybody listens: lets the hot path skip building what nobody hears. */
  heard(topic: string): boolean {
    return this.#listeners.has(topic);
  }

  /** Tells all who listen by then, after the current step. */
  send(topic: string, data: unknown): void {
    if (this.heard(topic)) queueMicrotask(() => this.#tell(topic, data));
  }

  /** Listens to a topic; `listener` must not throw. Returns the way to stop. */
  listen(topic: string, listener: SignalListener): () => void {
    let set = this.#listeners.get(topic);
    if (!set) this.#listeners.set(topic, (set = new Set()));
    // Wrapped, so that one function may listen twice and stop once.
    const own: SignalListener = (data) => listener(data);
    set.add(own);
    return () => {
      set.delete(own);
      if (set.size === 0 && this.#listeners.get(topic) === set) this.#listeners.delete(topic);
    };
  }

  #tell(topic: string, data: unknown): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(data);
  }
}

import type { SignalListener } from "../../broker/broker.ts";
import type { Mesh } from "./mesh.ts";
import { scoped } from "./transaction.ts";

/** Signals within this process and to the others. */
export class Signals {
  readonly #scope: string;
  readonly #mesh: Mesh;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Map<string, Map<SignalListener, (() => void) | undefined>>();

  constructor(scope: string, mesh: Mesh, onError: (error: unknown) => void) {
    this.#scope = scope;
    this.#mesh = mesh;
    this.#onError = onError;
  }

  send(topic: string, data: unknown): void {
    const name = scoped(this.#scope, topic);
    this.#mesh.signal(name, data);
    if (this.#listeners.has(name)) queueMicrotask(() => this.arrived(name, data));
  }

  listen(topic: string, listener: SignalListener, begun?: () => void): () => void {
    const name = scoped(this.#scope, topic);
    // One of its own for each call, so that a listener given twice is told twice and stops once.
    const own: SignalListener = (data) => listener(data);
    const listeners = this.#listeners.get(name) ?? new Map();
    listeners.set(own, begun);
    this.#listeners.set(name, listeners);
    this.#mesh.listens(name, true);
    return () => {
      if (!listeners.delete(own)) return;
      if (listeners.size === 0) this.#listeners.delete(name);
      this.#mesh.listens(name, false);
    };
  }

  /** Whether anyone listens to a topic, in any process. */
  isHeard(topic: string): boolean {
    const name = scoped(this.#scope, topic);
    return this.#listeners.has(name) || this.#mesh.isHeard(name);
  }

  /** A signal came, by scoped topic. */
  arrived(name: string, data: unknown): void {
    for (const listener of [...(this.#listeners.get(name)?.keys() ?? [])]) this.#tell(() => listener(data));
  }

  /** Another process has come to know that a topic is listened to, by scoped topic. */
  begun(name: string): void {
    for (const begun of [...(this.#listeners.get(name)?.values() ?? [])]) if (begun) this.#tell(begun);
  }

  /** Forgets all listeners. */
  clear(): void {
    this.#listeners.clear();
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#onError(error);
    }
  }
}

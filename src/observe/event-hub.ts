import type { BusEvent, EventOf, EventType } from "./events.ts";

/** Receives events; `"*"` listeners receive all. */
export type EventListener<E = BusEvent> = (event: E) => void;

/** Hands events to those who listen. A listener that throws does not disturb the others. */
export class EventHub {
  readonly #listeners = new Map<EventType | "*", Set<EventListener<never>>>();
  #toMessages = 0;
  readonly #onListenerError: (error: unknown) => void;

  constructor(onListenerError: (error: unknown) => void = () => {}) {
    this.#onListenerError = onListenerError;
  }

  /** Whether anyone listens to messages: what their senders ask before they build an event. */
  get active(): boolean {
    return this.#toMessages > 0;
  }

  /** Whether anyone listens to this event: lets the hot path skip building it. */
  wants(type: EventType): boolean {
    return this.#listeners.size > 0 && (this.#listeners.has(type) || this.#listeners.has("*"));
  }

  /** Listens to one event by name, or to all with `"*"`; returns the way to stop. */
  on<T extends EventType>(type: T, listener: EventListener<EventOf<T>>): () => void;
  on(type: "*", listener: EventListener): () => void;
  on(type: EventType | "*", listener: EventListener<never>): () => void {
    let set = this.#listeners.get(type);
    if (!set) this.#listeners.set(type, (set = new Set()));
    set.add(listener);
    const toMessages = type === "*" || type.startsWith("message.") ? 1 : 0;
    this.#toMessages += toMessages;
    return () => {
      if (set.delete(listener)) this.#toMessages -= toMessages;
      if (set.size === 0 && this.#listeners.get(type) === set) this.#listeners.delete(type);
    };
  }

  emit(event: BusEvent): void {
    this.#tell(event.type, event);
    this.#tell("*", event);
  }

  #tell(key: EventType | "*", event: BusEvent): void {
    for (const listener of this.#listeners.get(key) ?? []) {
      try {
        (listener as EventListener)(event);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }
}

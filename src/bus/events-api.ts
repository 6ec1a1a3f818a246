import { Deque } from "../internal/deque.ts";
import type { EventHub, EventListener } from "../observe/event-hub.ts";
import type { BusEvent, EventOf, EventType } from "../observe/events.ts";
import type { HistoryQuery, Journal } from "../observe/journal.ts";
import type { Journaled } from "../observe/journal-entry.ts";
import type { EventBridge, ForeignEvent } from "./event-bridge.ts";

/** Events kept for a slow reader of a stream before the oldest are left out. */
const STREAM_BUFFER = 10_000;

/** Events as they happen: of this process, or of all. A hand-off can be told before the acceptance; `at` has the order. */
export class Events {
  readonly #hub: EventHub;
  readonly #bridge: EventBridge;
  readonly #journal: Journal;

  constructor(options: { readonly hub: EventHub; readonly bridge: EventBridge; readonly journal: Journal }) {
    this.#hub = options.hub;
    this.#bridge = options.bridge;
    this.#journal = options.journal;
  }

  /** Messages and events of the past, of all processes with history on, oldest first. @throws OUT_OF_RANGE, ARGUMENT_INVALID */
  history(query?: HistoryQuery): Promise<Journaled[]> {
    return this.#journal.history(query);
  }

  /** Calls `listener` for the events of all processes on the bus; returns the way to stop. Some may be missed under load. */
  onEverywhere(listener: (foreign: ForeignEvent) => void): () => void {
    return this.#bridge.watch(listener);
  }

  /** Calls `listener` for one event by name, or for all with `"*"`; returns the way to stop. */
  on<T extends EventType>(type: T, listener: EventListener<EventOf<T>>): () => void;
  on(type: "*", listener: EventListener): () => void;
  on(type: EventType | "*", listener: EventListener<never>): () => void {
    return this.#hub.on(type as "*", listener as EventListener);
  }

  /** All events from now on. A reader that falls 10,000 behind misses the oldest. Ends with the loop or the signal. */
  async *stream(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<BusEvent> {
    const waiting = new Deque<BusEvent>();
    let wake = (): void => {};
    const stop = this.#hub.on("*", (event) => {
      if (waiting.length >= STREAM_BUFFER) waiting.shift();
      waiting.push(event);
      wake();
    });
    const abort = (): void => wake();
    options.signal?.addEventListener("abort", abort, { once: true });
    try {
      while (!options.signal?.aborted) {
        const event = waiting.shift();
        if (event) yield event;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      stop();
      options.signal?.removeEventListener("abort", abort);
    }
  }
}

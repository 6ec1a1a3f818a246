import type { Broker } from "../broker/broker.ts";
import type { Clock, Timer } from "../internal/clock.ts";
import type { EventHub } from "../observe/event-hub.ts";
import type { BusEvent } from "../observe/events.ts";

const WATCH_TOPIC = "events.watch";
const EVENT_TOPIC = "events";
/** A watcher says so this often, and is believed for three times as long, in milliseconds. */
const SAY = 10_000;

/** An event with the process it happened in. */
export interface ForeignEvent {
  readonly instance: string;
  readonly event: BusEvent;
}

/** What an {@link EventBridge} is built from. */
export interface EventBridgeOptions {
  readonly hub: EventHub;
  readonly signals: Pick<Broker, "signal" | "onSignal">;
  readonly clock: Clock;
  readonly instance: string;
}

/** Carries events between processes, only while somebody watches: no process builds events that nobody reads. */
export class EventBridge {
  readonly #options: EventBridgeOptions;
  readonly #stopListening: () => void;
  #stopForwarding: (() => void) | undefined;
  #lapse: Timer | undefined;
  #batch: BusEvent[] = [];

  constructor(options: EventBridgeOptions) {
    this.#options = options;
    this.#stopListening = options.signals.onSignal(WATCH_TOPIC, () => this.#forwardForAWhile());
  }

  /** Calls `listener` for the events of all processes, this one included; returns the way to stop. */
  watch(listener: (foreign: ForeignEvent) => void): () => void {
    const { signals, clock } = this.#options;
    const stop = signals.onSignal(EVENT_TOPIC, (data) => {
      const { instance, events } = data as { instance: string; events: readonly BusEvent[] };
      for (const event of events) listener({ instance, event });
    });
    let timer: Timer | undefined;
    const say = (): void => {
      signals.signal(WATCH_TOPIC, {});
      timer = clock.after(SAY, say);
    };
    say();
    return () => {
      timer?.cancel();
      stop();
    };
  }

  close(): void {
    this.#stopListening();
    this.#lapse?.cancel();
    this.#stopForwarding?.();
  }

  #forwardForAWhile(): void {
    const { hub, clock } = this.#options;
    this.#lapse?.cancel();
    this.#lapse = clock.after(3 * SAY, () => {
      this.#stopForwarding?.();
      this.#stopForwarding = undefined;
    });
    this.#stopForwarding ??= hub.on("*", (event) => this.#forward(event));
  }

  /** Events of one turn of the event loop go together. */
  #forward(event: BusEvent): void {
    this.#batch.push(event);
    if (this.#batch.length > 1) return;
    setImmediate(() => {
      const { signals, instance } = this.#options;
      const events = this.#batch;
      this.#batch = [];
      signals.signal(EVENT_TOPIC, { instance, events });
    });
  }
}

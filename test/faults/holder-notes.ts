import type { Bus } from "../../src/index.ts";
import { HistoryWriter } from "./history-file.ts";
import { digestOf, type JobPayload } from "./roles/job.ts";

/** Who is handed messages, and where that is written. */
export interface Holder {
  readonly history: string;
  readonly agent: string;
  readonly instance: string;
}

/** A message in the hands of a holder. */
interface Handed {
  readonly id: string;
  readonly payload: JobPayload;
}

/** Writes down what one holder is handed, and what becomes of its acks. */
export class HolderNotes {
  readonly #history: HistoryWriter;
  readonly #who: { readonly recipient: string; readonly instance: string };
  readonly #now: () => number;
  readonly #keys = new Map<string, string>();

  /** `now`: wall milliseconds by the clock of the bus. */
  constructor({ history, agent, instance }: Holder, now: () => number = Date.now) {
    this.#history = new HistoryWriter(history);
    this.#who = { recipient: agent, instance };
    this.#now = now;
  }

  /** Notes each ack that a bus tells to be confirmed. */
  follow(bus: Bus): void {
    bus.events.on("message.acknowledged", ({ id }) => {
      const key = this.#keys.get(id);
      this.#keys.delete(id);
      if (key !== undefined) this.ack(key, "ok");
    });
  }

  handOff({ id, payload }: Handed, of: { readonly attempt: number; readonly redelivered: boolean }): void {
    const { attempt, redelivered } = of;
    const { key } = payload;
    this.#keys.set(id, key);
    const digest = digestOf(payload);
    this.#history.note({ event: "hand-off", key, ...this.#who, attempt, redelivered, digest, wall: this.#now() });
  }

  ack(key: string, step: "invoke" | "ok" | "lost" | "unknown"): void {
    this.#history.note({ event: "ack", step, key, ...this.#who });
  }
}

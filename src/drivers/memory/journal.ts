import { JOURNAL_LOG, type JournaledMessage } from "../../broker/journal-log.ts";
import { type HandOff, packHandOffs } from "../../broker/journaled-hand-offs.ts";
import type { Publication, PublishResult } from "../../broker/publication.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { Logs } from "./logs.ts";

/** Keeps accepted messages and ended hand-offs in the journal's log. */
export class MemoryJournal {
  readonly #logs: Logs;
  readonly #clock: Clock;

  constructor(logs: Logs, clock: Clock) {
    this.#logs = logs;
    this.#clock = clock;
  }

  /** Keeps what was accepted of a batch. */
  messages(batch: readonly Publication[], results: readonly PublishResult[]): void {
    const at = this.#clock.now();
    const entries: JournaledMessage[] = [];
    for (const [place, { message, dueAt }] of batch.entries()) {
      const result = results[place];
      if (result?.status !== "accepted" || result.duplicate) continue;
      const recipients = result.copies.map(({ inbox }) => inbox);
      entries.push({ kind: "message", at, message, recipients, ...(dueAt === undefined ? {} : { dueAt }) });
    }
    if (entries.length > 0) this.#logs.append(JOURNAL_LOG, [entries]);
  }

  /** Keeps a hand-off that is over. */
  handOff(message: Envelope, handOff: HandOff): void {
    this.#logs.append(JOURNAL_LOG, [[packHandOffs(this.#clock.now(), [{ message, handOff }])]]);
  }
}

import { type HandOff, type HandOffOfMessage, packHandOffs } from "../../broker/journaled-hand-offs.ts";
import type { Envelope } from "../../message/envelope.ts";
import { journaledBody, type StoredBody } from "./body.ts";
import type { LogTable } from "./log-table.ts";

/** Where and when a {@link JournalWriter} writes. */
export interface JournalWriterOptions {
  readonly logs: LogTable;
  /** The journal's name, prefixed. */
  readonly log: string;
  /** Wall milliseconds. */
  readonly now: number;
}

/** Keeps one transaction's messages and hand-offs in the journal. */
export class JournalWriter {
  readonly #options: JournalWriterOptions;
  #handOffs: HandOffOfMessage[] = [];

  constructor(options: JournalWriterOptions) {
    this.#options = options;
  }

  /** Keeps a message. Returns what its copies store for a body: where it stands in the journal, if it is text. */
  message(
    message: Envelope,
    body: string | Uint8Array,
    { inboxes, dueAt }: { readonly inboxes: readonly { readonly name: string }[]; readonly dueAt: number | undefined },
  ): StoredBody {
    const about = { at: this.#options.now, recipients: inboxes.map(({ name }) => name), dueAt };
    if (typeof body === "string") return this.#append(journaledBody(body, about));
    this.#append(journaledBody(JSON.stringify(message), about));
    return body;
  }

  /** Keeps a hand-off that is over. */
  handOff(message: Envelope, handOff: HandOff): void {
    this.#handOffs.push({ message, handOff });
  }

  /** Writes what was gathered. */
  flush(): void {
    if (this.#handOffs.length === 0) return;
    this.#append(JSON.stringify([packHandOffs(this.#options.now, this.#handOffs)]));
    this.#handOffs = [];
  }

  #append(value: string): bigint {
    return this.#options.logs.append(this.#options.log, value);
  }
}

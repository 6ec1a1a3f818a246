import type { JournaledMessage } from "../broker/journal-log.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { Envelope } from "../message/envelope.ts";
import { type IdGenerator, timeOfId } from "../message/id.ts";
import { compilePattern } from "../message/pattern.ts";
import type { Journal } from "../observe/journal.ts";
import type { HistoryFilter } from "../observe/journal-entry.ts";
import type { Directory } from "../registry/directory.ts";
import type { PublishQueue } from "./publish-queue.ts";
import { takes } from "./routing.ts";
import { timeOf } from "./stamp.ts";

/**
 * From where on a late subscriber gets what was published before: all that history holds, the last message of each
 * channel, what was accepted from a time on (a Date or wall milliseconds), or what came after a message.
 */
export type SubscribeFrom = "earliest" | "last" | Date | number | { readonly after: string };

/** What a {@link CatchUp} is built from. */
export interface CatchUpParts {
  /** Absent: history is off. */
  readonly journal: Journal | undefined;
  readonly queue: PublishQueue;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly ids: IdGenerator;
}

/** Who catches up, on what. */
interface Latecomer {
  readonly agent: string;
  readonly matches: (channel: string) => boolean;
  /** Ids of messages that it has got, as they were published. */
  readonly has: Set<string>;
}

type Start = HistoryFilter & { readonly after?: string };

const BATCH = 200;
/** Clocks of processes differ: a message is looked for with so much room, in milliseconds. */
const ROOM = 60_000;
/** Two instances that subscribe at once are told apart from two that subscribe one after the other. */
const WINDOW = 10 * 60_000;

/** Gives those who subscribe late what was published before. */
export class CatchUp {
  readonly #parts: CatchUpParts;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  /**
   * Puts what was published before into an agent's inbox, in its order, around a subscription. Each message comes once:
   * what the agent has got by any way, the journal knows with its recipients.
   */
  async subscribe(
    { agent, pattern, from }: { readonly agent: string; readonly pattern: string; readonly from: SubscribeFrom },
    subscribe: () => Promise<void>,
  ): Promise<void> {
    const { matches } = compilePattern(pattern);
    const journal = this.#journal();
    const start = await this.#start(journal, from);
    const latecomer: Latecomer = { agent, matches, has: new Set() };
    const last = new Map<string, JournaledMessage>();
    let end = start.after;
    for await (const entry of journal.messages(start)) {
      end = entry.cursor;
      this.#note(latecomer, entry);
      if (from !== "last" || !this.#concerns(latecomer, entry)) continue;
      last.delete(entry.message.channel as string);
      last.set(entry.message.channel as string, entry);
    }
    if (from === "last") await this.#bring(latecomer, [...last.values()]);
    else end = (await this.#bring(latecomer, journal.messages(start))) ?? end;
    await subscribe();
    // From here on publishing reaches it. What was published since the journal was read, and did not, comes now.
    await this.#bring(latecomer, journal.messages({ ...start, ...(end === undefined ? {} : { after: end }) }));
  }

  #journal(): Journal {
    if (this.#parts.journal) return this.#parts.journal;
    throw new AgentwireError("UNSUPPORTED", "What was published before is kept only where history is on", {
      hint: "Connect with `history: true`, in this process and in those that publish.",
    });
  }

  async #start(journal: Journal, from: SubscribeFrom): Promise<Start> {
    if (from === "earliest" || from === "last") return {};
    if (typeof from === "object" && from !== null && "after" in from)
      return { after: await this.#cursorOf(journal, from.after) };
    return { from: timeOf(from, "from") };
  }

  /** Where a message was first accepted, or the one that it repeats. */
  async #cursorOf(journal: Journal, id: string): Promise<string> {
    for await (const { message, cursor } of journal.messages({ from: timeOfId(String(id)) - ROOM })) {
      if (message.id === id) return message.replayOf === undefined ? cursor : this.#cursorOf(journal, message.replayOf);
    }
    throw new AgentwireError("ARGUMENT_INVALID", `Message ${String(id).slice(0, 40)} is not in the journal`, {
      hint: 'Subscribe from a time or from "earliest".',
    });
  }

  /** Puts those of some messages that the agent lacks into its inbox; returns where reading ended. */
  async #bring(
    latecomer: Latecomer,
    entries: AsyncIterable<JournaledMessage & { readonly cursor: string }> | Iterable<JournaledMessage>,
  ): Promise<string | undefined> {
    let end: string | undefined;
    let batch: JournaledMessage[] = [];
    for await (const entry of entries) {
      if ("cursor" in entry) end = entry.cursor;
      this.#note(latecomer, entry);
      if (!this.#concerns(latecomer, entry) || latecomer.has.has(entry.message.id)) continue;
      latecomer.has.add(entry.message.id);
      if (batch.push(entry) < BATCH) continue;
      await this.#publish(latecomer.agent, batch);
      batch = [];
    }
    await this.#publish(latecomer.agent, batch);
    return end;
  }

  #note({ agent, has }: Latecomer, { message, recipients }: JournaledMessage): void {
    if (recipients.includes(agent)) has.add(message.replayOf ?? message.id);
  }

  /** Whether the agent would have got a message, had it been subscribed. */
  #concerns({ agent, matches }: Latecomer, { message }: JournaledMessage): boolean {
    const { channel, from, replayOf, expiresAt, type, payload } = message;
    if (channel === undefined || replayOf !== undefined || from === agent) return false;
    const { directory, clock } = this.#parts;
    if (expiresAt !== undefined && expiresAt <= clock.now()) return false;
    const entry = directory.get(agent);
    if (!entry || !takes(entry, { type, payload })) return false;
    for (const reached of directory.channelsFrom(channel)) if (matches(reached)) return true;
    return false;
  }

  async #publish(agent: string, entries: readonly JournaledMessage[]): Promise<void> {
    const { queue, ids, directory } = this.#parts;
    const results = await Promise.all(
      entries.map(({ message: { path: _path, depth: _depth, ...kept }, dueAt }) => {
        const message: Envelope = Object.freeze({ ...kept, id: ids.next(), replayOf: kept.id });
        const dedupe = { key: `$late/${agent}/${kept.id}`, fingerprint: kept.id, window: WINDOW };
        const limit = directory.limitOf(kept.channel as string);
        const rest = { ...(dueAt === undefined ? {} : { dueAt }), ...(limit ? { limit } : {}) };
        return queue.publish({ message, to: [agent], dedupe, ...rest });
      }),
    );
    for (const result of results) if (result.status === "failed") throw result.error;
  }
}

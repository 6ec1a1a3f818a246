import type { DriverContext } from "../../broker/driver.ts";
import type { InboxStatus, InspectOptions, Waiting } from "../../broker/inbox.ts";
import { type Envelope, PRIORITIES } from "../../message/envelope.ts";
import { ENDS, type End } from "../../message/receipt-record.ts";
import type { Store } from "../../store/store.ts";
import type { Delays } from "./delays.ts";
import type { QueueEngine } from "./engine.ts";
import type { Inboxes } from "./inboxes.ts";
import { sheetIn } from "./packed-sheet.ts";
import type { Presence } from "./presence.ts";
import { bodyOfText, type DelayedRow, type HeldEntry, type InboxRow, keyOf, pastOf } from "./rows.ts";
import { added, type CountsRow, sheetIdOf } from "./sheet.ts";

/** What looking needs around it. */
export interface LookingOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly engine: QueueEngine;
  readonly inboxes: Inboxes;
  readonly delays: Delays;
  readonly presence: Presence;
}

interface HeldCopy {
  readonly entry: HeldEntry;
  readonly instance: string;
}

/** Tells what inboxes hold, from the engine's counts and what stands in the store. */
export class Looking {
  readonly #options: LookingOptions;

  constructor(options: LookingOptions) {
    this.#options = options;
  }

  async inspect(names: readonly string[] | undefined, { peek = 0 }: InspectOptions): Promise<InboxStatus[]> {
    const { inboxes, presence } = this.#options;
    const rows = names
      ? (await Promise.all(names.map((name) => inboxes.find(name)))).flatMap((row) => row ?? [])
      : await inboxes.all();
    if (rows.length === 0) return [];
    const alive = await presence.alive();
    return Promise.all(rows.map((row) => this.#status(row, { peek, alive })));
  }

  /** How much waits in each inbox, held and delayed included. */
  async waiting(names: readonly string[]): Promise<number[]> {
    if (names.length === 0) return [];
    const { engine, delays } = this.#options;
    const [counts, delayed] = await Promise.all([
      engine.count(names),
      Promise.all(names.map((name) => delays.list(name))),
    ]);
    return Promise.all(
      counts.map(async (count, at) => {
        const rest = delayed[at]?.length ?? 0;
        return rest + ("all" in count ? count.all : count.ready + (await this.#held(names[at] as string)).length);
      }),
    );
  }

  async find(id: string): Promise<Waiting[]> {
    const { inboxes, delays, engine } = this.#options;
    const found: Waiting[] = [];
    for (const row of await delays.list()) if (row.id === id) found.push(...this.#waitingDelayed(row));
    for (const { name } of await inboxes.all()) {
      const held = await this.#held(name);
      const seen = (await engine.look?.(name, Number.POSITIVE_INFINITY)) ?? [];
      for (const { body, head, mark } of seen) {
        // A body is read only where the id is in it.
        if (typeof body === "string" ? !body.includes(id) : !Buffer.from(body).includes(id)) continue;
        const message = this.#read(body);
        if (message?.id === id)
          found.push(waitingOf(name, message, { held: held.find(isOf(mark)), attempt: pastOf(head)?.a ?? 0 }));
      }
    }
    return found;
  }

  async #status(
    { name, capacity, overflow, paused }: InboxRow,
    { peek, alive }: { readonly peek: number; readonly alive: ReadonlySet<string> },
  ): Promise<InboxStatus> {
    const { store, engine, delays } = this.#options;
    // In the order in which a copy goes on, so that none is passed by.
    const [delayed, first] = await Promise.all([delays.list(name), engine.look?.(name, Math.max(1, peek)) ?? []]);
    const [count] = await engine.count([name]);
    const [sheets, counts] = await Promise.all([
      store.list(keyOf("sheets", name, "")),
      store.get(keyOf("counts", name)),
    ]);
    const rows = sheets.map((entry) => ({ id: sheetIdOf(entry.key), row: sheetIn(entry) }));
    const held = rows.flatMap(({ row }) => row.held.map(([, entry]): HeldCopy => ({ entry, instance: row.instance })));
    let { ended, merged } = (counts?.value as CountsRow | undefined) ?? { ended: {}, merged: [] };
    for (const { id, row } of rows) if (!merged.includes(id)) ended = added(ended, row.ended);
    const all = Object.fromEntries(ENDS.map((end) => [end, ended[end] ?? 0])) as Record<End, number>;
    const inEngine = count === undefined ? 0 : "all" in count ? count.all : count.ready + held.length;
    const waiting = inEngine + delayed.length;
    const oldest = Math.min(
      ...delayed.map((row) => row.createdAt),
      ...first.flatMap(({ body }) => this.#read(body)?.createdAt ?? []),
    );
    return {
      name,
      capacity,
      overflow,
      paused,
      waiting,
      held: held.length,
      delayed: delayed.length,
      accepted: waiting + ENDS.reduce((sum, end) => sum + all[end], 0),
      ended: all,
      consumers: rows.filter(({ row }) => row.consumes && alive.has(row.process)).length,
      ...(Number.isFinite(oldest) ? { oldest } : {}),
      ...(peek > 0 && engine.look ? { messages: this.#messages(name, { peek, first, held, delayed }) } : {}),
    };
  }

  #messages(
    inbox: string,
    {
      peek,
      first,
      held,
      delayed,
    }: {
      readonly peek: number;
      readonly first: readonly {
        readonly body: string | Uint8Array;
        readonly head: string | undefined;
        readonly mark: string;
      }[];
      readonly held: readonly HeldCopy[];
      readonly delayed: readonly DelayedRow[];
    },
  ): Waiting[] {
    const engine = first.flatMap(({ body, head, mark }) => {
      const message = this.#read(body);
      return message ? [waitingOf(inbox, message, { held: held.find(isOf(mark)), attempt: pastOf(head)?.a ?? 0 })] : [];
    });
    const later = [...delayed].sort((a, b) => a.dueAt - b.dueAt).flatMap((row) => this.#waitingDelayed(row));
    const isHeld = ({ state }: Waiting): boolean => state === "held";
    return [...engine.filter(isHeld), ...engine.filter((one) => !isHeld(one)), ...later].slice(0, peek);
  }

  async #held(inbox: string): Promise<HeldCopy[]> {
    const sheets = await this.#options.store.list(keyOf("sheets", inbox, ""));
    return sheets.flatMap((entry) => {
      const { held, instance } = sheetIn(entry);
      return held.map(([, entry]) => ({ entry, instance }));
    });
  }

  #waitingDelayed(row: DelayedRow): Waiting[] {
    const message = this.#read(bodyOfText(row));
    if (!message) return [];
    const { inbox, dueAt, level, past } = row;
    const priority = PRIORITIES[level] ?? "normal";
    return [{ inbox, message, attempt: past?.a ?? 0, state: "delayed", priority, dueAt }];
  }

  #read(body: string | Uint8Array): Envelope | undefined {
    try {
      return this.#options.context.codec.decode(body);
    } catch {
      // Whoever takes it puts it among the dead letters.
      return undefined;
    }
  }
}

const isOf =
  (mark: string) =>
  ({ entry }: HeldCopy): boolean =>
    entry.m === mark;

function waitingOf(
  inbox: string,
  message: Envelope,
  { held, attempt }: { readonly held: HeldCopy | undefined; readonly attempt: number },
): Waiting {
  const { priority } = message;
  if (!held) return { inbox, message, attempt, state: "ready", priority };
  const { entry, instance } = held;
  return { inbox, message, attempt: entry.a, state: "held", priority, instance, offeredAt: entry.o };
}

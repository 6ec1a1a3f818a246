import { type JournaledHandOffs, unpackHandOffs } from "../broker/journaled-hand-offs.ts";
import { AgentwireError } from "../errors.ts";
import type { LogEntry, Store } from "../store/store.ts";
import type { BusEvent } from "./events.ts";
import type { JournalEntry, Journaled, JournaledEvent } from "./journal-entry.ts";

const PAGE = 1_000;
const CURSOR = /^(\d{1,16})\.(\d{1,6})$/;

/** Where reading starts. */
export interface JournalStart {
  /** After this cursor. */
  readonly after?: string | undefined;
  /** Or where entries of this wall time are, if that is later. */
  readonly since?: number | undefined;
}

/** Reads a journal's log from a place to its end. @throws ARGUMENT_INVALID for a cursor that is none */
export async function* readJournal(
  store: Pick<Store, "read">,
  log: string,
  start: JournalStart,
): AsyncGenerator<Journaled> {
  const given = start.after === undefined ? { position: 0, index: -1 } : parseCursor(start.after);
  let after = given.position === 0 ? 0 : given.position - 1;
  if (start.since !== undefined) after = Math.max(after, await positionBefore(store, log, start.since));
  for (;;) {
    const page = await store.read(log, { after, limit: PAGE });
    for (const { position, value } of page) {
      for (const [index, entry] of entriesIn(value).entries()) {
        if (position === given.position && index <= given.index) continue;
        yield { ...entry, cursor: `${position}.${index}` };
      }
      after = position;
    }
    if (page.length === 0) return;
  }
}

/** Removes the entries at the start of a journal's log that are older than a wall time. */
export async function trimJournal(store: Pick<Store, "read" | "trim">, log: string, before: number): Promise<void> {
  let upTo = 0;
  pages: for (;;) {
    const page = await store.read(log, { after: upTo, limit: PAGE });
    for (const { position, value } of page) {
      // What another program wrote has no time and goes with its neighbours.
      const entries = entriesIn(value);
      if (entries.some((entry) => entry.at >= before)) break pages;
      upTo = position;
    }
    if (page.length === 0) break;
  }
  if (upTo > 0) await store.trim(log, { upTo });
}

/** A position before which everything is older than a wall time, found in a few dozen reads. */
async function positionBefore(store: Pick<Store, "read">, log: string, time: number): Promise<number> {
  const next = async (position: number): Promise<LogEntry | undefined> =>
    (await store.read(log, { after: position, limit: 1 }))[0];
  const isOlder = (entry: LogEntry | undefined): entry is LogEntry => {
    const last = entriesIn(entry?.value).at(-1);
    return last !== undefined && last.at < time;
  };
  let low = 0;
  let step = 1;
  for (let entry = await next(low); isOlder(entry); entry = await next(low + step)) {
    low = entry.position;
    step *= 2;
  }
  while (step >= 1) {
    const entry = await next(low + step);
    if (isOlder(entry)) low = entry.position;
    else step = Math.floor(step / 2);
  }
  return low;
}

function parseCursor(cursor: string): { readonly position: number; readonly index: number } {
  const found = CURSOR.exec(cursor);
  if (!found)
    throw new AgentwireError(
      "ARGUMENT_INVALID",
      `${JSON.stringify(String(cursor).slice(0, 40))} is not a cursor of the journal`,
    );
  return { position: Number(found[1]), index: Number(found[2]) };
}

function entriesIn(value: unknown): readonly JournalEntry[] {
  return Array.isArray(value) ? value.flatMap((entry: unknown) => (isStored(entry) ? readable(entry) : [])) : [];
}

function isStored(entry: unknown): entry is JournalEntry | JournaledHandOffs {
  if (typeof entry !== "object" || entry === null) return false;
  const { kind, at, message, recipients, event, of, handOffs } = entry as Record<string, unknown>;
  if (typeof at !== "number") return false;
  if (kind === "message") return typeof message === "object" && message !== null && Array.isArray(recipients);
  if (kind === "event") return typeof event === "object" && event !== null;
  return kind === "hand-offs" && Array.isArray(of) && Array.isArray(handOffs);
}

/** Hand-offs are kept in short, and read as the events that they were. */
function readable(entry: JournalEntry | JournaledHandOffs): readonly JournalEntry[] {
  if (entry.kind !== "hand-offs") return [entry];
  return unpackHandOffs(entry).flatMap(({ acknowledged, offeredAt, ...about }) => {
    const events: BusEvent[] = [];
    if (offeredAt !== undefined) events.push({ type: "message.offered", ...about, at: offeredAt });
    // How the others ended has a reason, which the event that tells of it has.
    if (acknowledged)
      events.push({ type: "message.acknowledged", ...about, duration: about.at - (offeredAt ?? about.at) });
    return events.map((event): JournaledEvent => ({ kind: "event", at: entry.at, event }));
  });
}

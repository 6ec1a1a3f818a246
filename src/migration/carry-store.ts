import { AgentwireError } from "../errors.ts";
import { PRESENCE_PREFIX } from "../registry/heartbeat.ts";
import type { LogEntry, Store } from "../store/store.ts";
import { ARRIVAL, type Arrival, MARK_PREFIX } from "./marks.ts";

const PAGE = 500;
/** What says something of processes or of engines, and not of the bus. */
const LEFT_BEHIND = [PRESENCE_PREFIX, MARK_PREFIX, "lease/"];

/** Two stores, and what is told on the way. */
export interface StorePassage {
  readonly from: Store;
  readonly to: Store;
  /** Wall milliseconds. */
  now(): number;
  onProgress(name: string, done: number): void;
}

/** Carries all values that the target does not have; those with a time to live keep what is left of it. Returns how many there are. */
export async function carryValues({ from, to, now, onProgress }: StorePassage): Promise<number> {
  let done = 0;
  for (let after: string | undefined; ; ) {
    const page = await from.list("", { limit: PAGE, ...(after === undefined ? {} : { after }) });
    const carried = page.filter(({ key }) => !LEFT_BEHIND.some((prefix) => key.startsWith(prefix)));
    await Promise.all(
      carried.map(async ({ key, value, expiresAt }) => {
        const ttl = expiresAt === undefined ? undefined : expiresAt - now();
        if (ttl === undefined || ttl > 0)
          await to.put(key, value, { ifRevision: 0, ...(ttl === undefined ? {} : { ttl }) });
      }),
    );
    done += carried.length;
    const last = page.at(-1);
    if (last === undefined) return done;
    onProgress(last.key.split("/")[0] as string, done);
    after = last.key;
  }
}

/** Carries all entries of all logs, each once, however often it is begun anew. Returns how many were written now. @throws UNSUPPORTED */
export async function carryLogs(run: string, { from, to, onProgress }: StorePassage): Promise<number> {
  if (!to.capabilities.transaction)
    throw new AgentwireError(
      "UNSUPPORTED",
      `A history cannot be carried to ${to.capabilities.driver}: it has no transactions`,
    );
  const mark = (await to.get(ARRIVAL))?.value as Arrival | undefined;
  const reached = mark?.run === run ? mark : undefined;
  let done = 0;
  for (const log of (await from.logs("")).sort()) {
    if (reached && log < reached.log) continue;
    for (let after = log === reached?.log ? reached.position : 0; ; ) {
      const page: LogEntry[] = await from.read(log, { after, limit: PAGE });
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.position;
      await to.transaction([
        { append: log, values: page.map(({ value }) => value) },
        { put: ARRIVAL, value: { run, log, position: after } satisfies Arrival },
      ]);
      done += page.length;
      onProgress(log, done);
    }
  }
  return done;
}

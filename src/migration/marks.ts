import type { Driver } from "../broker/driver.ts";
import { AgentwireError } from "../errors.ts";
import type { Store } from "../store/store.ts";

/** What the keys of all marks start with; they stay where they are. */
export const MARK_PREFIX = "migration/";

/** In the source: which run carries it, since when, and whether it is through. In wall milliseconds. */
interface Departure {
  readonly run: string;
  readonly began: number;
  readonly ended?: number;
}

/** In the target: the last entry that a run has written. Logs are carried in the order of their names. */
export interface Arrival {
  readonly run: string;
  readonly log: string;
  /** In the source. */
  readonly position: number;
}

const DEPARTURE = `${MARK_PREFIX}departure`;
/** Where a run keeps its {@link Arrival}. */
export const ARRIVAL = `${MARK_PREFIX}arrival`;

/** How long the target remembers what has arrived, and so how long a migration may be started again. */
export const REMEMBERED = 7 * 24 * 60 * 60_000;

/** A source and a target, both open. */
export interface Journey {
  readonly from: Pick<Driver, "broker"> & { readonly store: Store };
  readonly to: Pick<Driver, "broker"> & { readonly store: Store };
}

/** Names the run, a new one or the one that was interrupted. @throws ENGINE_STATE, ARGUMENT_INVALID */
export async function depart(
  { from, to }: Journey,
  { run, now, force }: { readonly run: string; readonly now: number; readonly force: boolean },
): Promise<Departure> {
  const before = (await from.store.get(DEPARTURE))?.value as Departure | undefined;
  if (before?.ended !== undefined && !force)
    throw new AgentwireError("ENGINE_STATE", `This bus was carried over on ${new Date(before.ended).toISOString()}`, {
      hint: "Use the engine that it was carried to. To carry what has come since, force it.",
    });
  const isForgotten = before === undefined || now - before.began > REMEMBERED;
  if (before && isForgotten && !force)
    throw new AgentwireError("ENGINE_STATE", "The migration that was begun is too old to go on with", {
      hint: "The target may hold messages twice then. Take an empty target, and force it.",
    });
  // What is carried once more goes on where it ended, as far as the target remembers it.
  const departure = isForgotten ? { run, began: now } : { run: before.run, began: before.began };
  await from.store.put(DEPARTURE, departure);
  if (((await to.store.get(DEPARTURE))?.value as Departure | undefined)?.run === departure.run) {
    await from.store.delete(DEPARTURE);
    throw new AgentwireError("ARGUMENT_INVALID", "Source and target are the same bus");
  }
  return departure;
}

/** Notes in the source that all has arrived. */
export async function arrive({ from }: Journey, departure: Departure, now: number): Promise<void> {
  await from.store.put(DEPARTURE, { ...departure, ended: now } satisfies Departure);
}

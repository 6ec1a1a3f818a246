import type { DriverContext } from "../../broker/driver.ts";
import type { Timer } from "../../internal/clock.ts";
import type { Store } from "../../store/store.ts";
import { isCertainlyDead, markOfThisProcess, type ProcessMark } from "../machine.ts";
import { keyOf, namesIn, type SheetRow } from "./rows.ts";

const HEARTBEAT = 10_000;
const LIFE = 30_000;
const PAUSE_AFTER_FAULT = 1_000;

/** What a presence is made of. */
export interface PresenceOptions {
  readonly store: Store;
  readonly context: DriverContext;
  /** Name of this process among those that share the store. */
  readonly process: string;
  /** Another process is gone. */
  left(process: string): void;
}

/** Which processes are there. */
export class Presence {
  /** This process on its machine. */
  readonly about: string;
  readonly #here: ProcessMark = markOfThisProcess();
  readonly #options: PresenceOptions;
  /** Of sheets of other machines: the write that was seen, and since when. */
  readonly #seen = new Map<string, { readonly write: string; readonly since: number }>();
  #beat: Timer | undefined;
  #stopWatching = (): void => {};
  #stopped = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.about = JSON.stringify(this.#here);
  }

  async start(): Promise<void> {
    const { store, process, left } = this.#options;
    await this.#renew();
    this.#stopWatching = store.watch(keyOf("processes", ""), (changes) => {
      for (const { key, value } of changes) {
        const name = namesIn(key)[0] as string;
        if (value === undefined && name !== process) left(name);
      }
    });
  }

  /** Nothing is done any more, as if the process were gone. */
  abandon(): void {
    this.#stopped = true;
    this.#beat?.cancel();
    this.#stopWatching();
  }

  async stop(): Promise<void> {
    this.abandon();
    await this.#options.store.delete(keyOf("processes", this.#options.process));
  }

  /** The processes that have not been silent for half a minute, and are not certainly dead. */
  async alive(): Promise<ReadonlySet<string>> {
    const rows = await this.#options.store.list(keyOf("processes", ""));
    const alive = new Set([this.#options.process]);
    for (const { key, value } of rows)
      if (!this.#isDead((value as { readonly about: string }).about)) alive.add(namesIn(key)[0] as string);
    return alive;
  }

  /** Whether the process that made a sheet is gone for good. */
  isGone(row: SheetRow, alive: ReadonlySet<string>): boolean {
    return row.adopted === true || this.isOrphan(row, alive);
  }

  /** Whether the process that a sheet belongs to now is gone for good. */
  isOrphan(row: SheetRow, alive: ReadonlySet<string>): boolean {
    return !alive.has(row.process) || this.#isDead(row.about);
  }

  /** How long the lease of something on a sheet lasts, at least; 0 or less if it has lapsed. */
  leaseLeft(key: string, row: SheetRow, until = row.until): number {
    const now = this.#options.context.clock.monotonic();
    if ((JSON.parse(row.about) as ProcessMark).boot === this.#here.boot) return until - now;
    // Clocks of two machines do not compare: it lasts until the sheet was not renewed for as long.
    const seen = this.#seen.get(key);
    const write = `${row.process} ${row.write}`;
    if (seen?.write === write) return seen.since + row.lease - now;
    this.#seen.set(key, { write, since: now });
    return row.lease;
  }

  #isDead(about: string): boolean {
    const mark = JSON.parse(about) as ProcessMark;
    return mark.boot === this.#here.boot && isCertainlyDead(mark, this.#here);
  }

  async #renew(): Promise<void> {
    const { store, context, process } = this.#options;
    let pause = HEARTBEAT;
    try {
      await store.put(keyOf("processes", process), { about: this.about }, { ttl: LIFE });
    } catch (error) {
      if (!this.#beat) throw error;
      pause = PAUSE_AFTER_FAULT;
    }
    if (!this.#stopped) this.#beat = context.clock.after(pause, () => void this.#renew());
  }
}

import type { Clock, Timer } from "../../internal/clock.ts";
import type { End } from "../../message/receipt-record.ts";
import type { Store } from "../../store/store.ts";
import { packSheet, sheetIn } from "./packed-sheet.ts";
import { changeValue, type HeldEntry, keyOf, namesIn, type OverEntry, type SheetRow, type Tomb } from "./rows.ts";

/** What a change may change. */
export interface SheetState {
  readonly held: Map<number, HeldEntry>;
  readonly over: Map<number, OverEntry>;
  readonly ended: Partial<Record<End, number>>;
}

/** Of a sheet on which nothing stands. */
export function emptySheet(): SheetState {
  return { held: new Map(), over: new Map(), ended: {} };
}

/** What others have changed in a sheet. */
export interface SheetNews {
  readonly lost: readonly number[];
  readonly cancelled: readonly (readonly [number: number, entry: HeldEntry])[];
  readonly tombs: readonly Tomb[];
}

/** What a sheet is made of. */
export interface SheetOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly inbox: string;
  readonly id: string;
  readonly process: string;
  readonly about: string;
  readonly instance: string;
  readonly consumes: boolean;
  readonly lease: number;
  changed(news: SheetNews): void;
}

interface Pending {
  readonly isRelaxed: boolean;
  readonly change: (state: SheetState) => unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** What is done is taken off the sheet by the next write; where there is none, after a while. */
const TIDY_AFTER = 250;
const MERGED_KEPT = 32;

/** Ends of an inbox by sheets that are no more, and which of them were added last. */
export interface CountsRow {
  readonly ended: Partial<Record<End, number>>;
  readonly merged: readonly string[];
}

/** The row of one consumer. All changes of one turn, or of the time of a write, are one write. */
export class Sheet {
  /** End of the lease of what has none of its own, as far as it is written. */
  until = 0;
  readonly #options: SheetOptions;
  #id: string;
  #revision = 0;
  #base = emptySheet();
  #written = 0;
  #count = 0;
  #isSure = true;
  #isRunning = false;
  #isRetired = false;
  #consumes: boolean;
  #renames = 0;
  #pending: Pending[] = [];
  readonly #claimed = new Set<number>();
  readonly #done = new Set<number>();
  #tidy: Timer | undefined;
  #whenIdle: (() => void)[] = [];

  constructor(options: SheetOptions) {
    this.#options = options;
    this.#id = options.id;
    this.#consumes = options.consumes;
  }

  get key(): string {
    return keyOf("sheets", this.#options.inbox, this.#id);
  }

  get held(): ReadonlyMap<number, HeldEntry> {
    return this.#base.held;
  }

  /** The number of a new hand-off. */
  number(): number {
    this.#claimed.add(++this.#count);
    return this.#count;
  }

  /** What was to be claimed under these numbers is not handed out, whatever became of the write. */
  disown(numbers: Iterable<number>): void {
    for (const number of numbers) this.#claimed.delete(number);
  }

  /**
   * Applies a change in the next write, and resolves with what it returned when that is durable. It may be called again,
   * on what others have left. `isRelaxed`: it need not survive a loss of power. @throws INDETERMINATE, ENGINE_STATE, CLOSED
   */
  commit<T>(change: (state: SheetState) => T, { isRelaxed = false } = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ isRelaxed, change, resolve: resolve as (result: unknown) => void, reject });
      if (this.#isRunning) return;
      this.#isRunning = true;
      setImmediate(() => void this.#run());
    });
  }

  /** Somebody else has written: what has changed is told before this resolves. */
  async refresh(): Promise<void> {
    this.#isSure = false;
    await this.commit(() => {}, { isRelaxed: true });
  }

  /** What was decided has been carried out. */
  done(number: number): void {
    this.#done.add(number);
    this.#claimed.delete(number);
    if (this.#isRunning || this.#isRetired) return;
    this.#tidy ??= this.#options.clock.after(TIDY_AFTER, () => {
      this.#tidy = undefined;
      if (!this.#isRetired && this.#done.size > 0) this.commit(() => {}, { isRelaxed: true }).catch(() => {});
    });
  }

  /** It takes nothing new. */
  close(): void {
    this.#consumes = false;
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    while (this.#isRunning) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Adds up what it has ended, and removes it. */
  async retire(): Promise<void> {
    const { store, inbox } = this.#options;
    this.#isRetired = true;
    this.#tidy?.cancel();
    await this.idle();
    if (this.#revision === 0 && this.#isSure) return;
    const entry = await store.get(this.key);
    const row = entry && sheetIn(entry);
    if (row?.process === this.#options.process) await retireSheet(store, { inbox, id: this.#id, row });
  }

  /** Ends as a process would that is gone. */
  abandon(): void {
    this.#isRetired = true;
    this.#tidy?.cancel();
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      const items = this.#pending;
      this.#pending = [];
      try {
        await this.#write(items);
      } catch (error) {
        this.#isSure = false;
        for (const { reject } of items) reject(error);
      }
    }
    this.#isRunning = false;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #write(items: readonly Pending[]): Promise<void> {
    const { store, clock, lease, process, about, instance } = this.#options;
    for (;;) {
      if (!this.#isSure) await this.#look();
      const { held, over, ended } = this.#base;
      const state = { held: new Map(held), over: new Map(over), ended: { ...ended } };
      const done = [...this.#done];
      for (const number of done) state.over.delete(number);
      const results = items.map(({ change }) => change(state));
      const until = clock.monotonic() + lease;
      const row: SheetRow = {
        process,
        about,
        instance,
        consumes: this.#consumes,
        lease,
        until,
        write: ++this.#written,
        held: [...state.held],
        over: [...state.over],
        ended: state.ended,
        tombs: [],
      };
      const relaxed = items.every(({ isRelaxed }) => isRelaxed);
      const revision = await store.put(this.key, packSheet(this.key, row), { ifRevision: this.#revision, relaxed });
      if (revision === undefined) {
        this.#isSure = false;
        continue;
      }
      this.#revision = revision;
      this.#base = state;
      this.until = until;
      for (const number of done) this.#done.delete(number);
      items.forEach(({ resolve }, at) => {
        resolve(results[at]);
      });
      return;
    }
  }

  /** Finds out what stands there, after others have written or a write of its own ended without an answer. */
  async #look(): Promise<void> {
    const { store, process, changed } = this.#options;
    const entry = await store.get(this.key);
    let row = entry && sheetIn(entry);
    this.#revision = entry?.revision ?? 0;
    if (row && (row.process !== process || row.adopted)) {
      // It was taken for dead, and somebody else goes on with that sheet.
      this.#id = `${this.#options.id}-${++this.#renames}`;
      this.#revision = 0;
      row = undefined;
    }
    const before = this.#base;
    const over = new Map(row?.over);
    const held = new Map<number, HeldEntry>();
    // What was claimed by a write without an answer was never handed out.
    for (const [number, one] of row?.held ?? []) if (this.#claimed.has(number)) held.set(number, one);
    this.#base = { held, over, ended: row?.ended ?? {} };
    this.#isSure = true;
    const lost = [...before.held.keys()].filter((number) => !held.has(number) && !over.has(number));
    for (const number of lost) this.#claimed.delete(number);
    const cancelled = [...held].filter(
      ([number, { x }]) => x !== undefined && before.held.get(number)?.x === undefined,
    );
    changed({ lost, cancelled, tombs: row?.tombs ?? [] });
  }
}

/** Adds up what a sheet has ended, and removes it. */
export async function retireSheet(
  store: Store,
  { inbox, id, row }: { readonly inbox: string; readonly id: string; readonly row: SheetRow },
): Promise<void> {
  const key = keyOf("counts", inbox);
  if (Object.keys(row.ended).length > 0)
    await changeValue<CountsRow>(store, key, (now = { ended: {}, merged: [] }) =>
      now.merged.includes(id)
        ? undefined
        : { ended: added(now.ended, row.ended), merged: [...now.merged, id].slice(-MERGED_KEPT) },
    );
  await store.delete(keyOf("sheets", inbox, id));
}

/** The sum of two counts of ends. */
export function added(
  one: Readonly<Partial<Record<End, number>>>,
  other: Readonly<Partial<Record<End, number>>>,
): Partial<Record<End, number>> {
  const sum = { ...one };
  for (const [end, count] of Object.entries(other) as [End, number][]) sum[end] = (sum[end] ?? 0) + count;
  return sum;
}

/** The name of a sheet in its key. */
export function sheetIdOf(key: string): string {
  return namesIn(key)[1] as string;
}

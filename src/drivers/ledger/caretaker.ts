import type { DriverContext } from "../../broker/driver.ts";
import type { Timer } from "../../internal/clock.ts";
import { Coalesced } from "../../internal/coalesced.ts";
import type { Store } from "../../store/store.ts";
import type { Delays } from "./delays.ts";
import type { QueueEngine } from "./engine.ts";
import type { Finisher } from "./finisher.ts";
import { changeSheet, sheetIn } from "./packed-sheet.ts";
import type { Presence } from "./presence.ts";
import type { IntentRow } from "./publisher.ts";
import { type InboxRow, keyOf, namesIn } from "./rows.ts";
import { retireSheet, Sheet, sheetIdOf } from "./sheet.ts";

/** What the caretaker needs around it. */
export interface CaretakerOptions {
  readonly store: Store;
  readonly context: DriverContext;
  readonly engine: QueueEngine;
  readonly presence: Presence;
  readonly delays: Delays;
  readonly finisher: Finisher;
  readonly process: string;
  adoptIntent(intent: IntentRow): Promise<void>;
  expireDue(): Promise<void>;
  deleteInbox(name: string): Promise<number>;
  /** What others have left has changed hands: exclusive consumers may go on. */
  freed(): void;
  fault(error: unknown): void;
}

const SWEEP = 30_000;
/** What kills every process that it comes to must not do so in a hot loop. */
const CRASH_PAUSE = 100;

/** Goes on with what processes that are gone have left, and does what is due that nobody did. */
export class Caretaker {
  readonly #options: CaretakerOptions;
  readonly #adopting = new Map<string, Promise<void>>();
  readonly #expiring = new Set<string>();
  readonly #sweeping = new Coalesced(() => this.#sweep());
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: CaretakerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.sweep();
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Another process is gone. */
  left(): void {
    if (!this.#stopped) this.sweep().catch(this.#options.fault);
  }

  /** Those who call while one is under way share the next: many processes may leave at once. */
  sweep(): Promise<void> {
    return this.#sweeping.run();
  }

  async #sweep(): Promise<void> {
    if (this.#stopped) return;
    const { store, presence, delays, expireDue } = this.#options;
    const alive = await presence.alive();
    for (const entry of await store.list(keyOf("sheets", "")))
      if (presence.isOrphan(sheetIn(entry), alive)) await this.adopt(entry.key);
    for (const { key, value } of await store.list(keyOf("intents", ""))) await this.#adoptIntent(key, value, alive);
    for (const { value } of await store.list(keyOf("inboxes", ""))) this.#expire(value as InboxRow, alive);
    await delays.sweep();
    await expireDue();
    this.#options.freed();
  }

  /** Takes over the sheet of a process that is dead: its decisions are carried out, and what it held is given to others. */
  adopt(key: string): Promise<void> {
    const known = this.#adopting.get(key);
    if (known) return known;
    const adopting = this.#adopt(key).finally(() => this.#adopting.delete(key));
    this.#adopting.set(key, adopting);
    return adopting;
  }

  async #adopt(key: string): Promise<void> {
    const { store, context, engine, presence, finisher, process } = this.#options;
    const alive = await presence.alive();
    const { about } = presence;
    const row = await changeSheet(store, key, (now) =>
      now && now.process !== process && presence.isOrphan(now, alive)
        ? { ...now, process, about, adopted: true, consumes: false }
        : undefined,
    );
    if (!row) return;
    const [inbox] = namesIn(key) as [string];
    const over = row.over.filter(([, { record }]) => record !== undefined);
    const sheet = new Sheet({
      store,
      clock: context.clock,
      inbox,
      id: sheetIdOf(key),
      process,
      about,
      instance: row.instance,
      consumes: false,
      lease: 0,
      changed: () => {},
    });
    await Promise.all(over.map(([number, entry]) => finisher.finish({ inbox, sheet, number, entry })));
    sheet.abandon();
    const finished = new Set(over.map(([number]) => number));
    const rest = await changeSheet(store, key, (now) =>
      now?.adopted ? { ...now, over: now.over.filter(([number]) => !finished.has(number)) } : undefined,
    );
    if (!rest) return;
    const left = [...rest.held, ...rest.over];
    if (left.length === 0) return retireSheet(store, { inbox, id: sheetIdOf(key), row: rest });
    if (!engine.free) return;
    await new Promise<void>((resolve) => context.clock.after(CRASH_PAUSE, resolve));
    const marks = left.map(([, { l, m }]) => ({ level: l, mark: m })).sort((a, b) => Number(a.mark) - Number(b.mark));
    engine.free(inbox, marks);
  }

  async #adoptIntent(key: string, value: unknown, alive: ReadonlySet<string>): Promise<void> {
    const intent = value as IntentRow;
    if (alive.has(intent.process)) return;
    await this.#options.adoptIntent(intent);
    await this.#options.store.delete(key);
  }

  /** Removes an inbox some time after its owner has died. */
  #expire({ name, expires }: InboxRow, alive: ReadonlySet<string>): void {
    const { context, presence, store, deleteInbox, fault } = this.#options;
    if (!expires || alive.has(expires.owner) || this.#expiring.has(name)) return;
    this.#expiring.add(name);
    context.clock.after(expires.after, () => {
      this.#expiring.delete(name);
      if (this.#stopped) return;
      (async () => {
        const row = (await store.get(keyOf("inboxes", name)))?.value as InboxRow | undefined;
        if (row?.expires && !(await presence.alive()).has(row.expires.owner)) await deleteInbox(name);
      })().catch(fault);
    });
  }

  #later(): void {
    if (this.#stopped) return;
    // Apart from the others' sweeps.
    this.#timer = this.#options.context.clock.after(SWEEP * (0.8 + 0.4 * Math.random()), () => {
      this.sweep()
        .catch(this.#options.fault)
        .finally(() => this.#later());
    });
  }
}

import type { Envelope } from "../../message/envelope.ts";
import type { ReadyCopy } from "./copy.ts";
import type { LocalConsumer } from "./holding.ts";
import { ReadyWindow } from "./ready-window.ts";
import type { TypeFilter } from "./type-filter.ts";

/** A window over the copies of some types. */
interface Pane {
  readonly filter: TypeFilter;
  readonly window: ReadyWindow;
}

/** Where one inbox's copies are handed out in this process: its consumers here, and what is known of what waits. */
export class Outlet {
  readonly name: string;
  /** The inbox's id when it was last looked at; 0: never. */
  inboxId = 0;
  readonly consumers: LocalConsumer[] = [];
  /** Slots that consumers of other processes hold. */
  foreign: ReadonlySet<number> = new Set();
  /** Order keys of what they hold. */
  foreignKeys: ReadonlySet<string> = new Set();
  /** Ids of the exclusive claims of other processes. */
  foreignExclusive: readonly number[] = [];
  /** The shortest lease of the consumers of other processes; infinite: there are none. */
  foreignLease = Number.POSITIVE_INFINITY;
  /** Another process may have changed the inbox since it was last looked at. */
  stale = true;
  /** Only this process hands the inbox out, and all up to this sequence has been; undefined: not so, or not known. */
  drainedTo: number | undefined;
  readonly #panes: Pane[] = [];
  #turn = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Whether someone here would take a copy. */
  get wants(): boolean {
    for (const consumer of this.consumers) if (consumer.credit > 0 && !consumer.closing) return true;
    return false;
  }

  /** Whether someone here would take a copy and there may be one. */
  get hungry(): boolean {
    return this.wants && (this.stale || this.#panes.length === 0 || this.#panes.some(({ window }) => !window.isEmpty));
  }

  /** The only consumer, where no other may take anything beside it. */
  get sole(): LocalConsumer | undefined {
    const [only, ...more] = this.consumers;
    return only && more.length === 0 && only.options.exclusive === true && only.filter.isAll ? only : undefined;
  }

  /** Whether certainly nothing is left to hand out. */
  get isDry(): boolean {
    return (
      !this.stale && this.#panes.length > 0 && this.#panes.every(({ filter, window }) => filter.isAll && window.isEmpty)
    );
  }

  /** The window that a consumer is served from. */
  windowFor(consumer: LocalConsumer): ReadyWindow {
    const { filter } = consumer;
    for (const pane of this.#panes) if (pane.filter.key === filter.key) return pane.window;
    const window = new ReadyWindow();
    this.#panes.push({ filter, window });
    return window;
  }

  /** The consumers in turn, beginning after the one that began last. */
  inTurn(): LocalConsumer[] {
    const { consumers } = this;
    if (consumers.length < 2) return consumers;
    const start = this.#turn++ % consumers.length;
    return [...consumers.slice(start), ...consumers.slice(0, start)];
  }

  isTaken(slot: number): boolean {
    if (this.foreign.has(slot)) return true;
    for (const consumer of this.consumers) if (consumer.held.has(slot)) return true;
    return false;
  }

  /** Whether a copy of this order key is held here or elsewhere. */
  isKeyHeld(orderKey: string): boolean {
    if (this.foreignKeys.has(orderKey)) return true;
    for (const consumer of this.consumers) {
      for (const { copy } of consumer.held.values()) if (copy.orderKey === orderKey) return true;
    }
    return false;
  }

  append(row: ReadyCopy, message: Envelope | undefined): void {
    row.message = message;
    for (const { filter, window } of this.#panes) if (filter.takes(row.type)) window.append(row);
  }

  restore(row: ReadyCopy): void {
    this.drainedTo = undefined;
    for (const { filter, window } of this.#panes) if (filter.takes(row.type)) window.restore(row);
  }

  /** A copy is no longer free; `from`: the window it was taken from. */
  remove(slot: number, from?: ReadyWindow): void {
    for (const { window } of this.#panes) if (window !== from) window.remove(slot);
  }

  /** Another process has written. */
  age(): void {
    this.stale = true;
    for (const { window } of this.#panes) window.reset();
  }

  /** Another process may have changed this inbox. */
  spoil(): void {
    this.drainedTo = undefined;
    this.age();
  }

  /** The inbox is a new one under its old name. */
  restart(inboxId: number): void {
    this.inboxId = inboxId;
    this.undo();
  }

  /** A transaction was undone: the slots that it gave are given to other copies. */
  undo(): void {
    this.drainedTo = undefined;
    this.stale = true;
    for (const { window } of this.#panes) window.clear();
  }

  /** A consumer has gone. */
  leave(consumer: LocalConsumer): void {
    const at = this.consumers.indexOf(consumer);
    if (at !== -1) this.consumers.splice(at, 1);
    const unused = this.#panes.filter((pane) => !this.consumers.some(({ filter }) => filter.key === pane.filter.key));
    for (const pane of unused) this.#panes.splice(this.#panes.indexOf(pane), 1);
  }
}

import type { Driver, DriverContext } from "../../broker/driver.ts";
import type { Clock } from "../../internal/clock.ts";
import { MemoryBroker } from "./broker.ts";
import { MemoryJournal } from "./journal.ts";
import { MemoryScope } from "./scope.ts";
import { MemoryStore } from "./store.ts";

/** Options of a {@link MemoryEngine}. */
export interface MemoryEngineOptions {
  /** Entries kept of each log, and of all receipts together; 1 to 1e7, default 10,000. */
  readonly retention?: number;
}

const DEFAULT_RETENTION = 10_000;

/** Messages and state in this process's memory. Several drivers on one engine stand for several processes. */
export class MemoryEngine {
  readonly #clock: Clock;
  readonly #retention: number;
  readonly #scopes = new Map<string, MemoryScope>();

  constructor(clock: Clock, options: MemoryEngineOptions = {}) {
    this.#clock = clock;
    this.#retention = options.retention ?? DEFAULT_RETENTION;
  }

  /** A connection of its own; drivers of one scope see the same inboxes. */
  driver(context: DriverContext): Driver {
    let scope = this.#scopes.get(context.scope);
    if (!scope) this.#scopes.set(context.scope, (scope = new MemoryScope(this.#clock, this.#retention)));
    if (context.journal) scope.journal ??= new MemoryJournal(scope.logs, this.#clock);
    return { broker: new MemoryBroker(scope, context), store: new MemoryStore(scope, context) };
  }
}

import type { DriverContext } from "../../broker/driver.ts";
import { AgentwireError } from "../../errors.ts";
import type {
  Change,
  Entry,
  ListOptions,
  LogEntry,
  PutOptions,
  ReadOptions,
  Store,
  StoreCapabilities,
  StoreOperation,
} from "../../store/store.ts";
import { guarded } from "./guarded.ts";
import { plainCopy } from "./plain-copy.ts";
import type { MemoryScope } from "./scope.ts";

const CAPABILITIES: StoreCapabilities = {
  driver: "memory",
  durability: { class: "none", reason: "State lives in this process only." },
  transaction: true,
};

/** One process's view of the state and journal in a scope. */
export class MemoryStore implements Store {
  readonly capabilities = CAPABILITIES;
  readonly #scope: MemoryScope;
  readonly #context: DriverContext;
  readonly #stops = new Set<() => void>();
  #open = false;

  constructor(scope: MemoryScope, context: DriverContext) {
    this.#scope = scope;
    this.#context = context;
  }

  async open(): Promise<void> {
    this.#open = true;
  }

  async close(): Promise<void> {
    this.#open = false;
    for (const stop of [...this.#stops]) stop();
    this.#stops.clear();
  }

  async get(key: string): Promise<Entry | undefined> {
    return this.#opened().entries.get(key);
  }

  async put(key: string, value: unknown, options?: PutOptions): Promise<number | undefined> {
    return this.#opened().entries.put(key, value, options);
  }

  async delete(key: string, options: { readonly ifRevision?: number } = {}): Promise<boolean> {
    return this.#opened().entries.delete(key, options.ifRevision);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Entry[]> {
    return this.#opened().entries.list(prefix, options);
  }

  watch(prefix: string, listener: (changes: readonly Change[]) => void): () => void {
    const stop = this.#opened().watchers.add(prefix, guarded(listener, { about: { prefix }, context: this.#context }));
    this.#stops.add(stop);
    return () => {
      this.#stops.delete(stop);
      stop();
    };
  }

  async revision(bucket: string): Promise<number> {
    return this.#opened().entries.revision(bucket);
  }

  async append(log: string, values: readonly unknown[]): Promise<void> {
    this.#opened().logs.append(log, values);
  }

  async read(log: string, options: ReadOptions = {}): Promise<LogEntry[]> {
    return this.#opened().logs.read(log, options);
  }

  async logs(prefix: string): Promise<string[]> {
    return this.#opened().logs.names(prefix);
  }

  async trim(log: string, options: { readonly upTo?: number } = {}): Promise<void> {
    this.#opened().logs.trim(log, options.upTo ?? Number.POSITIVE_INFINITY);
  }

  async transaction(operations: readonly StoreOperation[]): Promise<boolean> {
    const { entries, logs } = this.#opened();
    for (const operation of operations) {
      // A value that cannot be stored fails the whole before any of it is done.
      if ("append" in operation) operation.values.forEach(plainCopy);
      else if ("put" in operation) plainCopy(operation.value);
      if ("append" in operation) continue;
      const key = "put" in operation ? operation.put : operation.delete;
      if (!entries.holds(key, operation.ifRevision)) return false;
    }
    for (const operation of operations) {
      if ("append" in operation) logs.append(operation.append, operation.values);
      else if ("put" in operation)
        entries.put(operation.put, operation.value, operation.ttl === undefined ? {} : { ttl: operation.ttl });
      else entries.delete(operation.delete, undefined);
    }
    return true;
  }

  #opened(): MemoryScope {
    if (!this.#open) throw new AgentwireError("CLOSED", "The memory driver is not open");
    return this.#scope;
  }
}

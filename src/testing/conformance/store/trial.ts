import assert from "node:assert/strict";
import type { Driver } from "../../../broker/driver.ts";
import type { Change, Store } from "../../../store/store.ts";
import type { ConformanceEngine } from "../suite.ts";
import { Waiting } from "../waiting.ts";

/** One case's engine, with what cases do to its store. */
export class StoreTrial extends Waiting {
  readonly store: Store;
  readonly #engine: ConformanceEngine;
  readonly #drivers: Driver[] = [];

  private constructor(engine: ConformanceEngine, driver: Driver) {
    super(engine);
    assert.ok(driver.store, "the driver has a store");
    this.#engine = engine;
    this.#drivers.push(driver);
    this.store = driver.store;
  }

  static async start(engine: ConformanceEngine): Promise<{ trial: StoreTrial; close(): Promise<void> }> {
    const trial = new StoreTrial(engine, await engine.connect());
    return { trial, close: () => trial.#close() };
  }

  /** The store of another process on the same engine. */
  async connect(): Promise<Store> {
    const driver = await this.#engine.connect();
    this.#drivers.push(driver);
    assert.ok(driver.store);
    return driver.store;
  }

  /** Keeps the last change of each key under a prefix. */
  watch(prefix: string, store = this.store): Map<string, Change> & { stop(): void } {
    const seen = new Map<string, Change>();
    const stop = store.watch(prefix, (changes) => {
      for (const change of changes) seen.set(change.key, change);
    });
    return Object.assign(seen, { stop });
  }

  async value(key: string, store = this.store): Promise<unknown> {
    return (await store.get(key))?.value;
  }

  /** The values of a log. */
  async values(log: string, store = this.store): Promise<unknown[]> {
    return (await store.read(log)).map((entry) => entry.value);
  }

  async #close(): Promise<void> {
    for (const { broker, store } of this.#drivers.reverse()) {
      await broker.close();
      await store?.close();
    }
  }
}

import type { Revocation } from "../../broker/consumer.ts";
import type { LocalConsumer, SqliteDelivery } from "./holding.ts";

/** Told after a commit which values have changed, by scoped key; undefined: any may have. */
export type ValueListener = (keys: ReadonlySet<string> | undefined) => void;

/** Calls code that is not the driver's: what that throws must stop neither the queue nor the process. */
export class Telling {
  readonly #valueListeners = new Set<ValueListener>();
  readonly #failed: (error: Error) => void;

  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
  }

  /** Hands deliveries to their consumers, to each all at once. */
  deliver(deliveries: readonly SqliteDelivery[]): void {
    if (deliveries.length === 0) return;
    const batches = new Map<LocalConsumer, SqliteDelivery[]>();
    for (const delivery of deliveries) {
      const batch = batches.get(delivery.consumer);
      if (batch) batch.push(delivery);
      else batches.set(delivery.consumer, [delivery]);
    }
    for (const [consumer, batch] of batches) this.#call(() => consumer.options.onDeliveries(batch));
  }

  /** A consumer may no longer work on a delivery. */
  revoked(delivery: SqliteDelivery, why: Revocation): void {
    this.#call(() => delivery.consumer.options.onRevoked?.(delivery, why));
  }

  /** Values have changed; undefined: any may have. */
  values(keys: ReadonlySet<string> | undefined): void {
    for (const listener of this.#valueListeners) this.#call(() => listener(keys));
  }

  /** Begins to tell of changed values. */
  addValueListener(listener: ValueListener): void {
    this.#valueListeners.add(listener);
  }

  /** Whether the listener was there. */
  removeValueListener(listener: ValueListener): boolean {
    return this.#valueListeners.delete(listener);
  }

  #call(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#failed(error as Error);
    }
  }
}

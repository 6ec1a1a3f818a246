import type { Change } from "../../store/store.ts";
import { plainCopy } from "./plain-copy.ts";

type Listener = (changes: readonly Change[]) => void;

interface Watcher {
  readonly prefix: string;
  readonly listener: Listener;
  /** Last change of each key since it was told. */
  pending: Map<string, Change> | undefined;
}

/** Who watches which keys. Changes are told after the current step, a burst as its last state. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();

  /** Watches keys; `listener` must not throw. Returns the way to stop. */
  add(prefix: string, listener: Listener): () => void {
    const watcher: Watcher = { prefix, listener, pending: undefined };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  tell(change: Change): void {
    for (const watcher of this.#watchers) {
      if (!change.key.startsWith(watcher.prefix)) continue;
      if (!watcher.pending) {
        watcher.pending = new Map();
        queueMicrotask(() => this.#flush(watcher));
      }
      // Deleted first, so that the order is that of the last changes.
      watcher.pending.delete(change.key);
      watcher.pending.set(change.key, change);
    }
  }

  #flush(watcher: Watcher): void {
    const changes = [...(watcher.pending?.values() ?? [])];
    watcher.pending = undefined;
    if (!this.#watchers.has(watcher)) return;
    watcher.listener(
      changes.map((change) => ("value" in change ? { ...change, value: plainCopy(change.value) } : change)),
    );
  }
}

import { Coalesced } from "../../internal/coalesced.ts";
import type { Change, Entry, Store } from "../../store/store.ts";
import type { Session } from "./session.ts";

/** What a watch is made of. */
export interface WatchOptions {
  readonly session: Session;
  readonly store: Pick<Store, "list" | "revision">;
  /** Reads values by key. */
  read(keys: readonly string[]): Promise<readonly (Entry | undefined)[]>;
  readonly prefix: string;
  listener(changes: readonly Change[]): void;
}

/** Tells a listener of changed values, by comparing what is there with what it was told last. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #known = new Map<string, number>();
  readonly #detach: () => void;
  readonly #looks = new Coalesced(() => this.#look());
  readonly #changed = new Set<string>();
  /** The latest revision known when the watch began; what came before is no change. */
  readonly #baseline: number;
  #isAll = true;
  #stopped = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#baseline = options.session.seen;
    const lookAtAll = (): void => {
      this.#isAll = true;
      this.#lookSoon();
    };
    this.#detach = options.session.attach({
      changed: (keys) => this.#note(keys),
      missed: lookAtAll,
      restored: async () => lookAtAll(),
    });
    this.#lookSoon();
  }

  stop(): void {
    this.#stopped = true;
    this.#detach();
  }

  #note(keys: readonly string[]): void {
    const mine = keys.filter((key) => key.startsWith(this.#options.prefix));
    if (mine.length === 0) return;
    for (const key of mine) this.#changed.add(key);
    this.#lookSoon();
  }

  /** What fails is found by the next look, at the latest when there is a connection again. */
  #lookSoon(): void {
    this.#looks.run().catch(() => {
      this.#isAll = true;
    });
  }

  async #look(): Promise<void> {
    const { store, read, prefix } = this.#options;
    if (this.#stopped) return;
    const isAll = this.#isAll;
    const keys = [...this.#changed];
    this.#isAll = false;
    this.#changed.clear();
    const bucket = prefix.split("/", 1)[0] as string;
    const changes: Change[] = [];
    if (isAll) {
      const entries = await store.list(prefix);
      const gone = new Set([...this.#known.keys(), ...keys]);
      for (const entry of entries) {
        gone.delete(entry.key);
        if (entry.revision > this.#baseline) this.#compare(entry, changes);
        else this.#known.set(entry.key, entry.revision);
      }
      await this.#forget([...gone], bucket, changes);
    } else {
      const entries = await read(keys);
      for (const entry of entries) if (entry) this.#compare(entry, changes);
      const gone = keys.filter((_, at) => entries[at] === undefined);
      await this.#forget(gone, bucket, changes);
    }
    this.#tell(changes);
  }

  #compare({ key, value, revision }: Entry, changes: Change[]): void {
    if (this.#known.get(key) === revision) return;
    this.#known.set(key, revision);
    changes.push({ key, value, revision });
  }

  async #forget(keys: readonly string[], bucket: string, changes: Change[]): Promise<void> {
    if (keys.length === 0) return;
    const revision = await this.#options.store.revision(bucket);
    for (const key of keys) {
      this.#known.delete(key);
      changes.push({ key, revision });
    }
  }

  #tell(changes: readonly Change[]): void {
    if (changes.length === 0 || this.#stopped) return;
    try {
      this.#options.listener(changes);
    } catch (error) {
      this.#options.session.report({
        type: "driver.fault",
        message: `A watcher threw: ${(error as Error).message}`,
        details: { prefix: this.#options.prefix },
      });
    }
  }
}

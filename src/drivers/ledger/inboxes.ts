import type { InboxSpec } from "../../broker/inbox.ts";
import type { Store } from "../../store/store.ts";
import { changeValue, type InboxRow, keyOf, namesIn } from "./rows.ts";

const DEFAULTS = { capacity: 1_000_000, overflow: "reject", paused: false } as const;

/** The inboxes of the bus, as this process knows them. */
export class Inboxes {
  readonly #store: Store;
  readonly #changed: (name: string, row: InboxRow | undefined) => void;
  readonly #rows = new Map<string, { readonly row: InboxRow; readonly revision: number }>();
  #stopWatching = (): void => {};

  /** `changed`: an inbox is there, is different or is gone. */
  constructor(store: Store, changed: (name: string, row: InboxRow | undefined) => void) {
    this.#store = store;
    this.#changed = changed;
  }

  async start(): Promise<void> {
    this.#stopWatching = this.#store.watch(keyOf("inboxes", ""), (changes) => {
      for (const { key, value, revision } of changes) this.#note(key, value as InboxRow | undefined, revision);
    });
    for (const { key, value, revision } of await this.#store.list(keyOf("inboxes", "")))
      this.#note(key, value as InboxRow, revision);
  }

  stop(): void {
    this.#stopWatching();
  }

  /** As far as it is known without asking. */
  get(name: string): InboxRow | undefined {
    return this.#rows.get(name)?.row;
  }

  async find(name: string): Promise<InboxRow | undefined> {
    const known = this.get(name);
    if (known) return known;
    const entry = await this.#store.get(keyOf("inboxes", name));
    if (entry) this.#note(entry.key, entry.value as InboxRow, entry.revision);
    return entry?.value as InboxRow | undefined;
  }

  /** All that there are now. */
  async all(): Promise<InboxRow[]> {
    return (await this.#store.list(keyOf("inboxes", ""))).map(({ value }) => value as InboxRow);
  }

  async declare({ name, capacity, overflow, paused, expiresAfter }: InboxSpec, owner: string): Promise<void> {
    const key = keyOf("inboxes", name);
    const row = await changeValue<InboxRow>(this.#store, key, (now = { name, ...DEFAULTS }) => ({
      ...now,
      capacity: capacity ?? now.capacity,
      overflow: overflow ?? now.overflow,
      paused: paused ?? now.paused,
      ...(expiresAfter === undefined ? {} : { expires: { after: expiresAfter, owner } }),
    }));
    if (row) this.#note(key, row, undefined);
  }

  /** False if there was none. */
  async remove(name: string): Promise<boolean> {
    const key = keyOf("inboxes", name);
    const wasThere = await this.#store.delete(key);
    if (wasThere) this.#note(key, undefined, undefined);
    return wasThere;
  }

  #note(key: string, row: InboxRow | undefined, revision: number | undefined): void {
    const name = namesIn(key)[0] as string;
    const known = this.#rows.get(name);
    // What was read may come after what was told.
    if (revision !== undefined && known && revision < known.revision) return;
    if (row) this.#rows.set(name, { row, revision: revision ?? known?.revision ?? 0 });
    else this.#rows.delete(name);
    this.#changed(name, row);
  }
}

import type { Change } from "../store/store.ts";

/** A record with its revision. */
export interface Known<T> {
  readonly record: T;
  readonly revision: number;
}

/** Records of one kind by name, each in its newest known form. */
export class Shelf<T extends { readonly name: string }> {
  /** What the keys of its records start with. */
  readonly prefix: string;
  readonly #read: (value: unknown) => T | undefined;
  readonly #known = new Map<string, Known<T>>();

  constructor(prefix: string, read: (value: unknown) => T | undefined) {
    this.prefix = prefix;
    this.#read = read;
  }

  get(name: string): T | undefined {
    return this.#known.get(name)?.record;
  }

  known(): IterableIterator<Known<T>> {
    return this.#known.values();
  }

  names(): IterableIterator<string> {
    return this.#known.keys();
  }

  /** The revision in which a record is known; undefined if it is not. */
  revision(name: string): number | undefined {
    return this.#known.get(name)?.revision;
  }

  /** Takes a change in; false if it is no news. */
  apply({ key, value, revision }: Change): boolean {
    const name = this.nameOf(key);
    const known = this.#known.get(name);
    if (known && known.revision >= revision) return false;
    const record = this.#read(value);
    // The key decides the name: a record stored under another one is not believed.
    if (record?.name !== name) return this.#known.delete(name);
    this.#known.set(name, { record, revision });
    return true;
  }

  delete(name: string): void {
    this.#known.delete(name);
  }

  nameOf(key: string): string {
    return key.slice(this.prefix.length);
  }
}

/** Keys in order, found by prefix. */
export class SortedKeys {
  readonly #keys: string[] = [];

  add(key: string): void {
    this.#keys.splice(this.#indexOf(key), 0, key);
  }

  delete(key: string): void {
    const at = this.#indexOf(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** The keys with a prefix, in order or in reverse, only those beyond `after` in that direction. */
  *startingWith(
    prefix: string,
    { after, reverse }: { readonly after: string | undefined; readonly reverse: boolean },
  ): IterableIterator<string> {
    const start = this.#indexOf(prefix);
    let end = start;
    while (this.#keys[end]?.startsWith(prefix)) end++;
    const keys = this.#keys.slice(start, end);
    if (reverse) keys.reverse();
    for (const key of keys) if (after === undefined || (reverse ? key < after : key > after)) yield key;
  }

  /** Where a key is, or would be. */
  #indexOf(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

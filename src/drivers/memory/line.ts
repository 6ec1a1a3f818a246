import type { Copy } from "./copy.ts";

/** Copies of one priority in their order. Those that end while they wait are left in place and skipped. */
export class Line {
  #items: (Copy | undefined)[] = [];
  #head = 0;
  #gone = 0;

  /** The next copy to hand out; it always waits. */
  get first(): Copy | undefined {
    return this.#items[this.#head];
  }

  push(copy: Copy): void {
    this.#items.push(copy);
  }

  /** Puts a copy back into its old place. */
  insert(copy: Copy): void {
    const first = this.first;
    if (first === undefined || copy.sequence < first.sequence) {
      if (this.#head > 0) this.#items[--this.#head] = copy;
      else this.#items.unshift(copy);
      return;
    }
    let low = this.#head;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle] as Copy).sequence < copy.sequence) low = middle + 1;
      else high = middle;
    }
    this.#items.splice(low, 0, copy);
  }

  shift(): Copy | undefined {
    const copy = this.#items[this.#head];
    if (copy === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    this.#skip();
    return copy;
  }

  /** To be called after a copy of this line stopped being `ready` while it waited. */
  forget(): void {
    this.#gone++;
    this.#skip();
    if (this.#gone > 32 && this.#gone * 2 > this.#items.length - this.#head) this.#compact();
  }

  *[Symbol.iterator](): IterableIterator<Copy> {
    for (let at = this.#head; at < this.#items.length; at++) {
      const copy = this.#items[at] as Copy;
      if (copy.state === "ready") yield copy;
    }
  }

  #skip(): void {
    const items = this.#items;
    while (this.#gone > 0 && this.#head < items.length && (items[this.#head] as Copy).state !== "ready") {
      items[this.#head++] = undefined;
      this.#gone--;
    }
    if (this.#head === items.length) {
      items.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > items.length) {
      items.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #compact(): void {
    this.#items = [...this];
    this.#head = 0;
    this.#gone = 0;
  }
}

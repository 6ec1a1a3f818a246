import type { Copy } from "./copy.ts";

/** The copies that are out, in the order of hand-off: a linked list through the copies, which costs nothing to leave. */
export class Held {
  #first: Copy | undefined;
  #last: Copy | undefined;
  size = 0;

  add(copy: Copy): void {
    copy.previous = this.#last;
    if (this.#last) this.#last.next = copy;
    else this.#first = copy;
    this.#last = copy;
    this.size++;
  }

  delete(copy: Copy): void {
    if (copy.previous) copy.previous.next = copy.next;
    else this.#first = copy.next;
    if (copy.next) copy.next.previous = copy.previous;
    else this.#last = copy.previous;
    copy.previous = undefined;
    copy.next = undefined;
    this.size--;
  }

  *[Symbol.iterator](): IterableIterator<Copy> {
    for (let copy = this.#first, next: Copy | undefined; copy; copy = next) {
      next = copy.next;
      yield copy;
    }
  }
}

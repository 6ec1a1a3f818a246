/** How items are carried to the server. */
export interface GatheredOptions<Item> {
  /** Items of one call at most. */
  readonly most: number;
  /** Calls under way at once; what comes meanwhile is gathered. Default 1. */
  readonly underWay?: number;
  /** Carries items, in order. Must not fail. */
  carry(items: readonly Item[]): Promise<void>;
}

/** What is not urgent waits so long for company, out of the way of what is. */
const LAZY_PAUSE = 50;

/** Joins what one turn of the event loop, or the time of a call under way, brings into one call. */
export class Gathered<Item> {
  readonly #options: GatheredOptions<Item>;
  #items: Item[] = [];
  #underWay = 0;
  #scheduled = false;
  #lazy: NodeJS.Timeout | undefined;
  #whenIdle: (() => void)[] = [];
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.#send();
  };

  constructor(options: GatheredOptions<Item>) {
    this.#options = options;
  }

  /** Adds an item. `lazy`: it may wait for company, 50 ms at most. */
  add(item: Item, { lazy = false }: { readonly lazy?: boolean } = {}): void {
    this.#items.push(item);
    if (lazy && !this.#scheduled && this.#underWay === 0) this.#lazy ??= setTimeout(this.#flush, LAZY_PAUSE);
    else this.#schedule();
  }

  /** Resolves when nothing is gathered or under way. */
  async drain(): Promise<void> {
    while (this.#items.length > 0 || this.#underWay > 0) {
      this.#schedule();
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#underWay >= (this.#options.underWay ?? 1)) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  #send(): void {
    clearTimeout(this.#lazy);
    this.#lazy = undefined;
    const { most, underWay = 1, carry } = this.#options;
    while (this.#items.length > 0 && this.#underWay < underWay) {
      const items = this.#items.splice(0, most);
      this.#underWay++;
      void carry(items).then(() => this.#done());
    }
  }

  #done(): void {
    this.#underWay--;
    if (this.#items.length > 0) return this.#schedule();
    if (this.#underWay > 0) return;
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }
}

/** Counts arrivals by sequence number: proves that each message came exactly once. */
export class Ledger {
  readonly #seen: Uint8Array;
  readonly #marks: { readonly at: number; readonly reached: () => void }[] = [];
  #arrived = 0;

  /** @param expected how many messages will be sent, numbered from 0 */
  constructor(expected: number) {
    this.#seen = new Uint8Array(expected);
  }

  get arrived(): number {
    return this.#arrived;
  }

  /** Notes an arrival. @throws Error on a number that was never sent */
  note(sequence: number): void {
    if (!(sequence >= 0 && sequence < this.#seen.length)) throw new Error(`message ${sequence} was never sent`);
    this.#seen[sequence] = (this.#seen[sequence] as number) + 1;
    this.#arrived++;
    if (this.#marks.length > 0) this.#tell();
  }

  /** Resolves once so many arrivals were noted. */
  reached(arrivals: number): Promise<void> {
    return new Promise((resolve) => {
      this.#marks.push({ at: arrivals, reached: resolve });
      this.#tell();
    });
  }

  /** @throws Error unless each message came exactly once */
  check(): void {
    let lost = 0;
    let doubled = 0;
    for (const times of this.#seen) {
      if (times === 0) lost++;
      else if (times > 1) doubled++;
    }
    if (lost + doubled > 0)
      throw new Error(`of ${this.#seen.length} messages ${lost} were lost and ${doubled} came more than once`);
  }

  /** @throws Error when a message came more than once; those that have not come yet are left out */
  checkNoneTwice(): void {
    const doubled = this.#seen.reduce((sum, times) => sum + (times > 1 ? 1 : 0), 0);
    if (doubled > 0) throw new Error(`${doubled} messages came more than once`);
  }

  #tell(): void {
    for (let at = this.#marks.length - 1; at >= 0; at--) {
      const mark = this.#marks[at] as { at: number; reached: () => void };
      if (this.#arrived < mark.at) continue;
      this.#marks.splice(at, 1);
      mark.reached();
    }
  }
}

import { Ledger } from "./ledger.ts";
import { moment, pace } from "./moment.ts";
import { type Figures, numberSetting, type Task } from "./task.ts";

/** One event to several listeners in one process. Needs the setting `fanOut`. */
export class FanOut {
  /** What each listener does with a message's number. */
  readonly listeners: readonly ((sequence: number) => void)[];
  readonly #ledgers: readonly Ledger[];
  readonly #count: number;

  constructor(task: Task) {
    this.#count = Math.floor(task.count / numberSetting(task, "fanOut"));
    this.#ledgers = Array.from({ length: numberSetting(task, "fanOut") }, () => new Ledger(this.#count));
    this.listeners = this.#ledgers.map((ledger) => (sequence) => ledger.note(sequence));
  }

  /**
   * Emits everything, a fifth of it for warm-up; `rate` counts deliveries a second, `cpu` is what one costs.
   * @throws Error when a listener missed a message or had it twice
   */
  async run(emit: (from: number, to: number) => Promise<void> | void): Promise<Figures> {
    const warm = Math.floor(this.#count / 5);
    await emit(0, warm);
    await this.#reached(warm);
    const began = moment();
    await emit(warm, this.#count);
    await this.#reached(this.#count);
    const ended = moment();
    for (const ledger of this.#ledgers) ledger.check();
    return pace(began, ended, (this.#count - warm) * this.#ledgers.length);
  }

  async #reached(arrivals: number): Promise<void> {
    for (const ledger of this.#ledgers) await ledger.reached(arrivals);
  }
}

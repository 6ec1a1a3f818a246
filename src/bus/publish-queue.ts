import type { Broker } from "../broker/broker.ts";
import type { Publication, PublishResult } from "../broker/publication.ts";
import { AgentwireError } from "../errors.ts";

/** After so many messages timers, sockets and consumers get their turn, even where the broker answers at once. */
const PUBLISHED_PER_TURN = 512;

type Settle = (result: PublishResult) => void;

/** Joins what one turn of the event loop sends into one batch for the broker. */
export class PublishQueue {
  readonly #broker: Pick<Broker, "publish">;
  #batch: Publication[] = [];
  #waiting: Settle[] = [];
  #scheduled = false;
  #underWay = 0;
  #drained: (() => void)[] = [];
  #sinceTurn = 0;
  readonly #flush = (): void => this.#send();
  readonly #nextTurn = (): void => {
    this.#sinceTurn = 0;
    this.#send();
  };

  constructor(broker: Pick<Broker, "publish">) {
    this.#broker = broker;
  }

  /** Resolves with what became of the publication; never rejects. */
  publish(publication: Publication): Promise<PublishResult> {
    return new Promise((resolve) => this.add(publication, resolve));
  }

  /** As {@link PublishQueue.publish}, for whoever needs no promise of it; `settle` must not throw. */
  add(publication: Publication, settle: Settle): void {
    this.#batch.push(publication);
    this.#waiting.push(settle);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#sinceTurn < PUBLISHED_PER_TURN) queueMicrotask(this.#flush);
    else setImmediate(this.#nextTurn);
  }

  /** Resolves when nothing is under way any more. */
  async drain(): Promise<void> {
    while (this.#scheduled || this.#underWay > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  #send(): void {
    const batch = this.#batch;
    const waiting = this.#waiting;
    this.#batch = [];
    this.#waiting = [];
    this.#scheduled = false;
    this.#underWay++;
    this.#sinceTurn += batch.length;
    let results: PublishResult[] | Promise<PublishResult[]>;
    try {
      results = this.#broker.publish(batch);
    } catch (error) {
      return this.#fail(waiting, error);
    }
    if (results instanceof Promise) {
      results.then(
        (answers) => this.#answer(waiting, answers),
        (error: unknown) => this.#fail(waiting, error),
      );
    } else {
      this.#answer(waiting, results);
    }
  }

  #answer(waiting: readonly Settle[], results: readonly PublishResult[]): void {
    for (let at = 0; at < waiting.length; at++) waiting[at]?.(results[at] as PublishResult);
    this.#done();
  }

  #fail(waiting: readonly Settle[], cause: unknown): void {
    const error = AgentwireError.is(cause)
      ? cause
      : new AgentwireError("INDETERMINATE", "The engine failed while the message was being stored", { cause });
    for (const settle of waiting) settle({ status: "failed", error });
    this.#done();
  }

  #done(): void {
    this.#underWay--;
    if (this.#underWay > 0 || this.#scheduled) return;
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }
}

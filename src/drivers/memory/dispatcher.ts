/** Something that hands out deliveries when its turn comes. */
export interface Dispatchable {
  /** Already waiting for its turn; written by the {@link Dispatcher}. */
  awake: boolean;
  /** Hands out what it can; returns how many. */
  dispatch(): number;
}

// After so many deliveries timers and sockets get their turn.
const DELIVERIES_PER_TURN = 512;

/** Runs the inboxes that have something to hand out, after the current step, without starving the event loop. */
export class Dispatcher {
  #awake: Dispatchable[] = [];
  #scheduled = false;
  #delivered = 0;
  readonly #run = (): void => {
    this.#scheduled = false;
    const inboxes = this.#awake;
    this.#awake = [];
    for (const inbox of inboxes) {
      inbox.awake = false;
      this.#delivered += inbox.dispatch();
    }
  };

  wake(inbox: Dispatchable): void {
    if (inbox.awake) return;
    inbox.awake = true;
    this.#awake.push(inbox);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#delivered < DELIVERIES_PER_TURN) return queueMicrotask(this.#run);
    this.#delivered = 0;
    setImmediate(this.#run);
  }
}

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
  #rest: Promise<void> | undefined;
  readonly #run = (): void => {
    this.#scheduled = false;
    const inboxes = this.#awake;
    this.#awake = [];
    for (const inbox of inboxes) {
      inbox.awake = false;
      this.#delivered += inbox.dispatch();
    }
  };

  /** While the receivers rest, until when; senders who do not wait as well would only fill the inboxes. */
  get rest(): Promise<void> | undefined {
    return this.#rest;
  }

  wake(inbox: Dispatchable): void {
    if (inbox.awake) return;
    inbox.awake = true;
    this.#awake.push(inbox);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#delivered < DELIVERIES_PER_TURN) return queueMicrotask(this.#run);
    this.#rest = new Promise((resolve) => {
      setImmediate(() => {
        this.#delivered = 0;
        this.#rest = undefined;
        this.#run();
        resolve();
      });
    });
  }
}

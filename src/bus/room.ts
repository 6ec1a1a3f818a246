import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { KeepAlive } from "../internal/keep-alive.ts";

/** A sender looks again after 10 ms, and then ever more seldom. */
const FIRST_LOOK = 10;
const LONGEST_LOOK = 500;
/** How long a sender waits for a full inbox before it is told, in milliseconds. */
const PATIENCE = 30_000;

/** One sender's wait for room in a full inbox whose agent asks senders to wait. */
export class RoomWait {
  readonly #clock: Clock;
  readonly #keepAlive: KeepAlive;
  readonly #signal: AbortSignal | undefined;
  readonly #start: number;
  #looks = 0;

  constructor(clock: Clock, keepAlive: KeepAlive, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#keepAlive = keepAlive;
    this.#signal = signal;
    this.#start = clock.monotonic();
  }

  /** Resolves when it is worth to try again. @throws the given error when patience is over, ABORTED */
  async again(error: AgentwireError<"INBOX_FULL">): Promise<void> {
    if (this.#clock.monotonic() - this.#start > PATIENCE) throw error;
    const delay = Math.min(LONGEST_LOOK, FIRST_LOOK * 2 ** this.#looks++);
    this.#keepAlive.hold();
    await new Promise<void>((resolve) => this.#clock.after(delay, resolve));
    this.#keepAlive.release();
    if (this.#signal?.aborted)
      throw new AgentwireError("ABORTED", `Waiting for room in ${error.details.inbox} was ended by the caller`);
  }
}

import { AgentwireError } from "../../errors.ts";
import type { Connection } from "./connection.ts";
import type { Parcel } from "./parcel.ts";
import { blockedError, type Session } from "./session.ts";

/** What became of a message: stored, `missing` where there is no such queue and nothing was stored, or its error. */
export type Stored = "stored" | "missing" | AgentwireError;

interface OnItsWay {
  readonly since: number;
  readonly connection: Connection;
  readonly done: (stored: Stored) => void;
}

/** A confirm that is not there by then is given up. */
const MOST_TO_CONFIRM = 10_000;

/** Puts messages into queues, each confirmed. Whatever is handed over in one turn of the event loop goes out together. */
export class Outlet {
  readonly #session: Session;
  readonly #onTheirWay = new Map<string, OnItsWay>();
  readonly #returned = new Set<string>();
  #isWatched = false;

  constructor(session: Session) {
    this.#session = session;
    session.attach({
      connected: async (connection) => {
        connection.stores.on("return", ({ properties }) => this.#returned.add(String(properties.messageId)));
      },
      lost: () => this.#fail(() => true, "the connection was lost"),
    });
  }

  /** Sends messages in their order, and tells of each what became of it. While there is no connection, waits for it. */
  async put(parcels: readonly Parcel[]): Promise<Stored[]> {
    let connection: Connection;
    try {
      connection =
        this.#session.connection ?? (await this.#session.call(async (one) => one, { what: "Sending", isRead: true }));
      const { blocked } = this.#session;
      if (blocked !== undefined) throw blockedError(blocked);
    } catch (error) {
      return parcels.map(() => error as AgentwireError);
    }
    const confirmed = new Promise<Stored[]>((resolve) => {
      const stored: Stored[] = new Array(parcels.length);
      let open = parcels.length;
      if (open === 0) resolve(stored);
      for (const [at, parcel] of parcels.entries()) {
        const done = (what: Stored): void => {
          stored[at] = what;
          if (--open === 0) resolve(stored);
        };
        this.#send(connection, parcel, done);
      }
    });
    return this.#session.awaited(confirmed);
  }

  #send(connection: Connection, { queue, body, mark, contentType, headers }: Parcel, done: OnItsWay["done"]): void {
    this.#onTheirWay.set(mark, { since: this.#session.context.clock.monotonic(), connection, done });
    this.#watch();
    try {
      const options = { persistent: true, mandatory: true, messageId: mark, contentType, headers };
      connection.stores.publish("", queue, body, options, (error) => this.#confirmed(mark, error));
    } catch (error) {
      this.#onTheirWay.delete(mark);
      done(new AgentwireError("REJECTED", `Sending failed: ${(error as Error).message}`, { cause: error }));
    }
  }

  #confirmed(mark: string, error: unknown): void {
    const isReturned = this.#returned.delete(mark);
    const parcel = this.#onTheirWay.get(mark);
    if (!parcel || !this.#onTheirWay.delete(mark)) return;
    // A refusal means a fault in the queue, which may have stored it all the same.
    if (error) parcel.done(indeterminate((error as Error).message));
    else parcel.done(isReturned ? "missing" : "stored");
  }

  /** One timer looks after all that is on its way. */
  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    const { clock } = this.#session.context;
    clock.after(MOST_TO_CONFIRM / 4, () => {
      this.#isWatched = false;
      const latest = clock.monotonic() - MOST_TO_CONFIRM;
      const isLate = ({ since }: OnItsWay): boolean => since <= latest;
      const late = [...this.#onTheirWay.values()].find(isLate);
      // A server that has stopped reading is short of something, and not dead.
      if (late && this.#session.blocked !== undefined) this.#fail(isLate, this.#session.blocked);
      else if (late) this.#session.lose(late.connection, new Error(`no confirm within ${MOST_TO_CONFIRM} ms`));
      if (this.#onTheirWay.size > 0) this.#watch();
    });
  }

  #fail(which: (parcel: OnItsWay) => boolean, why: string): void {
    for (const [mark, parcel] of [...this.#onTheirWay]) {
      if (!which(parcel)) continue;
      this.#onTheirWay.delete(mark);
      parcel.done(indeterminate(why));
    }
  }
}

function indeterminate(why: string): AgentwireError {
  return new AgentwireError("INDETERMINATE", `Sending failed: ${why} while its confirm was awaited`);
}

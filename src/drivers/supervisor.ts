import type { DriverEvent } from "../broker/driver.ts";
import { AgentwireError } from "../errors.ts";
import type { Clock, Timer } from "../internal/clock.ts";
import { KeepAlive } from "../internal/keep-alive.ts";

/** What a {@link Supervisor} keeps, and how. */
export interface SupervisorOptions<Connection> {
  readonly clock: Clock;
  /** Name of the driver, for its events. */
  readonly driver: string;
  /** The engine and its address as people read it; never a password. */
  readonly server: string;
  /**
   * Makes a connection that is ready for use, or fails after a time of its own. `lost` has to be told when that
   * connection ends by itself, once or more often.
   */
  connect(lost: (cause: unknown) => void): Promise<Connection>;
  /** Ends a connection, lost ones too: whatever is under way on it fails. Must not throw. */
  disconnect(connection: Connection): Promise<void> | void;
  /** Brings back what hangs on the connection, such as subscriptions, before anyone else uses a new one. Not called for the first. */
  restore?(connection: Connection): Promise<void>;
  report(event: DriverEvent): void;
  /** In [0, 1). */
  readonly random?: () => number;
}

interface Waiter<Connection> {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: AgentwireError) => void;
  readonly timer: Timer;
}

/** Between two attempts; the first pause also keeps a connection that is cut again and again from being made again at once. */
const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;
/** Whoever asks for a connection while there is none waits so long. */
const PATIENCE = 10_000;

/**
 * Keeps one connection to an engine: connects, notices its loss, reconnects with exponential backoff and jitter until it
 * is closed, and lets those who need the connection meanwhile wait for it. While all is well it has no timer.
 */
export class Supervisor<Connection> {
  readonly #options: SupervisorOptions<Connection>;
  readonly #waiters = new Set<Waiter<Connection>>();
  /** A process that only sends would end without a word when its connection is lost. */
  readonly #keepAlive = new KeepAlive();
  #state: "new" | "open" | "closed" = "new";
  #current: Connection | undefined;
  #connectedAt = 0;
  #pause = 0;
  #attempts = 0;
  #lostAt = 0;
  #cause: unknown;
  #retry: Timer | undefined;
  #connecting: Promise<void> | undefined;

  constructor(options: SupervisorOptions<Connection>) {
    this.#options = options;
  }

  /** The connection, if there is one now. */
  get current(): Connection | undefined {
    return this.#current;
  }

  /** Connects for the first time. Fails with what `connect` fails with, and is not tried again then. */
  async open(): Promise<void> {
    await this.#connect();
    this.#state = "open";
    // Lost in the moment in which it was made.
    if (this.#current === undefined) this.#schedule();
  }

  /**
   * The connection. While there is none, waits for the next one, at most `patience` milliseconds, default 10 s.
   * @throws ENGINE_STATE when none came in time, CLOSED
   */
  connection(patience = PATIENCE): Promise<Connection> {
    if (this.#current !== undefined) return Promise.resolve(this.#current);
    if (this.#state !== "open") return Promise.reject(this.#closed());
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(patience, () => {
        this.#waiters.delete(waiter);
        this.#keepAlive.release();
        reject(this.#unreachable());
      });
      const waiter = { resolve, reject, timer };
      this.#waiters.add(waiter);
      this.#keepAlive.hold();
    });
  }

  /** Gives a connection up that does not answer as it should, and makes another. Others than the present one are ignored. */
  lose(connection: Connection, cause: unknown): void {
    if (connection !== this.#current) return;
    this.#current = undefined;
    this.#cause = cause;
    void this.#options.disconnect(connection);
    if (this.#state !== "open") return;
    const { clock, driver, server, report } = this.#options;
    const lasted = clock.monotonic() - this.#connectedAt;
    if (lasted >= LONGEST_PAUSE) this.#pause = 0;
    this.#lostAt = clock.monotonic();
    this.#attempts = 0;
    report({
      type: "driver.lost",
      driver,
      message: `The connection to ${server} was lost (${reasonOf(cause)}); it is made again`,
    });
    this.#schedule();
  }

  /** Disconnects for good; whoever still waits for a connection fails with CLOSED. Idempotent. */
  async close(): Promise<void> {
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#retry?.cancel();
    for (const waiter of this.#waiters) {
      waiter.timer.cancel();
      waiter.reject(this.#closed());
    }
    this.#waiters.clear();
    this.#keepAlive.close();
    if (!wasOpen) return;
    await this.#connecting;
    const connection = this.#current;
    this.#current = undefined;
    if (connection !== undefined) await this.#options.disconnect(connection);
  }

  /** Makes one connection, and ends it again if it was not wanted or did not last. */
  async #connect(): Promise<void> {
    const { clock, connect, disconnect, restore } = this.#options;
    let made: Connection | undefined;
    let lost: { readonly cause: unknown } | undefined;
    const connection = await connect((cause) => {
      lost ??= { cause };
      if (made !== undefined) this.lose(made, cause);
    });
    try {
      if (this.#state === "open") await restore?.(connection);
      if (lost) throw (lost as { readonly cause: unknown }).cause;
    } catch (error) {
      await disconnect(connection);
      throw error;
    }
    made = connection;
    this.#current = connection;
    this.#connectedAt = clock.monotonic();
  }

  #schedule(): void {
    const { clock, random = Math.random } = this.#options;
    this.#pause = Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, 2 * this.#pause));
    // Jitter: many processes lose the same engine in the same moment.
    const delay = SHORTEST_PAUSE + random() * (this.#pause - SHORTEST_PAUSE / 2);
    this.#retry = clock.after(delay, () => {
      this.#connecting = this.#reconnect();
    });
  }

  async #reconnect(): Promise<void> {
    this.#attempts++;
    try {
      await this.#connect();
    } catch (error) {
      this.#cause = error;
      if (this.#state === "open") this.#schedule();
      return;
    }
    if (this.#state !== "open") return;
    const { clock, driver, server, report } = this.#options;
    const after = Math.round(clock.monotonic() - this.#lostAt);
    report({
      type: "driver.restored",
      driver,
      message: `The connection to ${server} is back after ${after} ms`,
      details: { after, attempts: this.#attempts },
    });
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const { timer, resolve } of waiters) {
      timer.cancel();
      this.#keepAlive.release();
      resolve(this.#current as Connection);
    }
  }

  #unreachable(): AgentwireError {
    return new AgentwireError(
      "ENGINE_STATE",
      `${this.#options.server} is out of reach (${reasonOf(this.#cause)}); it is tried again`,
      { hint: "See to it that the server runs and can be reached; nothing else has to be done.", cause: this.#cause },
    );
  }

  #closed(): AgentwireError {
    return new AgentwireError("CLOSED", `The connection to ${this.#options.server} is closed`);
  }
}

function reasonOf(cause: unknown): string {
  const { code, message } = (cause ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  // An address that has several fails with an error without a text of its own.
  if (typeof message === "string" && message !== "") return message;
  return typeof code === "string" ? code : "for no known reason";
}

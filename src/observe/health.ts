import type { Clock } from "../internal/clock.ts";

/** How one part of the bus is doing. `degraded`: works, but not all of it. */
export type PartStatus = "ok" | "degraded" | "down";

/** What a check found. */
export interface PartHealth {
  readonly status: PartStatus;
  /** One sentence, where the status is not `ok`. */
  readonly reason?: string;
}

/** Looks at one part. One that fails, or takes too long, is down. */
export type HealthCheck = () => PartHealth | Promise<PartHealth>;

/** One part as a report names it. */
export interface NamedPart extends PartHealth {
  readonly name: string;
  /** The bus works without it. */
  readonly optional: boolean;
}

/** How the bus is doing. */
export interface HealthReport {
  /** The process answers at all; always true in a report. */
  readonly live: boolean;
  /** Every part that is needed works. */
  readonly ready: boolean;
  /** `down`: not ready. `degraded`: ready, but not every part is `ok`. */
  readonly status: PartStatus;
  readonly parts: readonly NamedPart[];
  /** Names of the parts that are not `ok`. */
  readonly degraded: readonly string[];
}

interface Part {
  readonly name: string;
  readonly optional: boolean;
  readonly check: HealthCheck;
}

const LONGEST_CHECK = 5_000;

/** Asks the parts of the bus how they are. */
export class Health {
  readonly #clock: Clock;
  readonly #parts: Part[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a part; without an `optional` one the bus is still ready. Returns the way to take it out. */
  add(name: string, check: HealthCheck, options: { readonly optional?: boolean } = {}): () => void {
    const part: Part = { name, check, optional: options.optional ?? false };
    this.#parts.push(part);
    return () => {
      const at = this.#parts.indexOf(part);
      if (at !== -1) this.#parts.splice(at, 1);
    };
  }

  /** Asks all parts at once; takes at most 5 s. */
  async report(): Promise<HealthReport> {
    const parts = await Promise.all(this.#parts.map((part) => this.#ask(part)));
    const degraded = parts.filter((part) => part.status !== "ok").map((part) => part.name);
    const ready = !parts.some((part) => part.status === "down" && !part.optional);
    return { live: true, ready, status: !ready ? "down" : degraded.length > 0 ? "degraded" : "ok", parts, degraded };
  }

  async #ask({ name, optional, check }: Part): Promise<NamedPart> {
    let late: (found: PartHealth) => void = () => {};
    const tooLong = new Promise<PartHealth>((resolve) => (late = resolve));
    const timer = this.#clock.after(LONGEST_CHECK, () =>
      late({ status: "down", reason: `${name} has not answered for ${LONGEST_CHECK} ms` }),
    );
    try {
      const { status, reason } = await Promise.race([check(), tooLong]);
      return { name, status, optional, ...(reason === undefined ? {} : { reason }) };
    } catch (error) {
      return { name, status: "down", optional, reason: error instanceof Error ? error.message : "The check failed" };
    } finally {
      timer.cancel();
    }
  }
}

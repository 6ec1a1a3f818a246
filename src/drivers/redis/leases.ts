import type { Timer } from "../../internal/clock.ts";
import type { RedisConsumer } from "./consumer.ts";
import { SCRIPTS } from "./lua/scripts.ts";
import type { Session } from "./session.ts";

/** Of a lease, the part after which it is renewed. */
const PART = 1 / 3;
const PAUSE_AFTER_FAULT = 200;

/** Renews the leases of the consumers of this process that hold something, while its event loop lives. */
export class Leases {
  readonly #session: Session;
  readonly #holding = new Set<RedisConsumer>();
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(session: Session) {
    this.#session = session;
  }

  /** A consumer holds something. */
  add(consumer: RedisConsumer): void {
    this.#holding.add(consumer);
    this.#arm(this.#due(consumer));
  }

  delete(consumer: RedisConsumer): void {
    this.#holding.delete(consumer);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#holding.clear();
  }

  #due({ until, options }: RedisConsumer): number {
    return until - options.lease * (1 - PART);
  }

  #arm(at: number): void {
    if (at >= this.#at) return;
    const { clock } = this.#session.context;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = clock.after(Math.max(0, at - clock.monotonic()), () => {
      this.#at = Number.POSITIVE_INFINITY;
      void this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { clock } = this.#session.context;
    const now = clock.monotonic();
    const byLease = new Map<number, RedisConsumer[]>();
    for (const consumer of [...this.#holding]) {
      const { lease } = consumer.options;
      if (consumer.held.size === 0) this.#holding.delete(consumer);
      else if (this.#due(consumer) > now) this.#arm(this.#due(consumer));
      else if (byLease.has(lease)) byLease.get(lease)?.push(consumer);
      else byLease.set(lease, [consumer]);
    }
    await Promise.all([...byLease].map(([lease, consumers]) => this.#extend(lease, consumers, now)));
  }

  async #extend(lease: number, consumers: readonly RedisConsumer[], now: number): Promise<void> {
    const { peer, context } = this.#session;
    const what = { what: "Renewing leases" };
    const args = [peer, String(lease), "renew", ...consumers.flatMap(({ inbox, id }) => [inbox, id])];
    let kept: readonly number[];
    try {
      kept = (await this.#session.run(SCRIPTS.extend, args, what)) as number[];
    } catch {
      // Until it succeeds, or others have taken over and the next look tells.
      if (this.#holding.size > 0) this.#arm(context.clock.monotonic() + PAUSE_AFTER_FAULT);
      return;
    }
    for (const [at, consumer] of consumers.entries()) {
      if (kept[at] === 1) consumer.until = now + lease;
      else await consumer.compare((script, rest, call) => this.#session.run(script, rest, call)).catch(() => {});
      if (consumer.held.size > 0) this.#arm(Math.max(this.#due(consumer), context.clock.monotonic() + 1));
    }
  }
}

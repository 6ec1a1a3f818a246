import type { CancelledEnd } from "../../broker/settlement.ts";
import type { Clock } from "../../internal/clock.ts";
import type { HandOut } from "./hand-out.ts";
import type { LocalConsumer, SqliteDelivery } from "./holding.ts";
import type { ForwardedCopy, Frame } from "./link.ts";
import type { MeshListener } from "./mesh.ts";
import type { Outlet } from "./outlet.ts";
import type { Signals } from "./signals.ts";
import type { Telling } from "./telling.ts";
import type { Timetable } from "./timetable.ts";
import { scoped } from "./transaction.ts";

/** Topic between processes that says which values have changed. */
export const VALUES_TOPIC = "\u0001values";
/** Topic between processes: someone has left, and what it waited for is everyone's affair. */
export const LEFT_TOPIC = "\u0001left";

/** What the news are about: the session's parts. */
export interface PeerNewsOptions {
  readonly clock: Clock;
  readonly scope: string;
  readonly outlets: ReadonlyMap<string, Outlet>;
  readonly consumers: ReadonlyMap<number, LocalConsumer>;
  readonly handOut: HandOut;
  readonly telling: Telling;
  signals(): Signals;
  timetable(): Timetable;
  /** Hands out what there is. */
  serve(outlet: Outlet): void;
}

/** Acts on what other processes tell this one. */
export class PeerNews implements MeshListener {
  readonly #options: PeerNewsOptions;

  constructor(options: PeerNewsOptions) {
    this.#options = options;
  }

  woken(inboxes: readonly string[]): void {
    for (const name of inboxes) {
      const outlet = this.#outletOf(name);
      if (!outlet) continue;
      outlet.spoil();
      this.#options.serve(outlet);
    }
  }

  forwarded(copies: readonly ForwardedCopy[]): void {
    const { clock, handOut, telling } = this.#options;
    const at = { now: clock.now(), monotonic: clock.monotonic() };
    const taken: SqliteDelivery[] = [];
    const unsure = new Set<string>();
    for (const copy of copies) {
      const outlet = this.#outletOf(copy.inbox);
      const delivery = outlet && handOut.take(outlet, copy, at);
      if (!delivery) unsure.add(copy.inbox);
      else if (delivery !== "known") taken.push(delivery);
    }
    telling.deliver(taken);
    if (taken.length > 0) this.#options.timetable().lookAtLeases();
    if (unsure.size > 0) this.woken([...unsure]);
  }

  revoked(revocations: NonNullable<Frame["revoke"]>): void {
    for (const { claimId, slot, end } of revocations) {
      const delivery = this.#options.consumers.get(claimId)?.held.get(slot);
      if (!delivery || delivery.cancelled) continue;
      delivery.cancelled = end as CancelledEnd;
      this.#options.telling.revoked(delivery, delivery.cancelled);
    }
  }

  signalled(topic: string, data: unknown): void {
    if (topic === VALUES_TOPIC) this.#options.telling.values(new Set(data as string[]));
    else if (topic === LEFT_TOPIC) this.#options.timetable().lookAhead();
    else this.#options.signals().arrived(topic, data);
  }

  noted(topics: readonly string[]): void {
    for (const topic of topics) {
      if (topic === VALUES_TOPIC) this.#options.telling.values(undefined);
      else this.#options.signals().begun(topic);
    }
  }

  gone(): void {
    this.#options.timetable().recoverSoon();
  }

  /** Where an inbox with this scoped name is handed out. */
  #outletOf(name: string): Outlet | undefined {
    const prefix = scoped(this.#options.scope, "");
    return name.startsWith(prefix) ? this.#options.outlets.get(name.slice(prefix.length)) : undefined;
  }
}

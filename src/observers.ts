import type { Broker } from "./broker/broker.ts";
import type { ConnectOptions } from "./connect-options.ts";
import type { Clock } from "./internal/clock.ts";
import { AuditFiles, type AuditStatistics } from "./observe/audit-files.ts";
import { DriverHealth } from "./observe/driver-health.ts";
import type { EventHub } from "./observe/event-hub.ts";
import { Health, type HealthReport } from "./observe/health.ts";
import type { Logger } from "./observe/logger.ts";
import { type Accounting, accounting, MessageStats, type TypeCounts } from "./observe/stats.ts";
import type { Registry } from "./registry/registry.ts";
import type { RegistryStats } from "./registry/registry-stats.ts";
import type { Store } from "./store/store.ts";

/** What there is on a bus, in numbers. */
export interface BusStats {
  /** Where all copies of all inboxes are, in all processes. */
  readonly messages: Accounting;
  readonly agents: RegistryStats;
  /** This process's messages by type, where `statistics` is on. */
  readonly types?: Readonly<Record<string, TypeCounts>>;
  /** What was written to audit files, where `audit` is on. */
  readonly audit?: AuditStatistics;
}

/** What {@link Observers} are built from. */
export interface ObserversOptions {
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly broker: Broker;
  readonly store: Store;
  readonly registry: Registry;
  readonly options: Pick<ConnectOptions, "audit" | "statistics">;
}

/** Those who look on: health, counts and audit files. */
export class Observers {
  readonly #parts: ObserversOptions;
  readonly #health: Health;
  readonly #driverHealth: DriverHealth;
  readonly #types: MessageStats | undefined;
  readonly #audit: AuditFiles | undefined;

  constructor(parts: ObserversOptions) {
    const { hub, clock, logger, broker, store, options } = parts;
    this.#parts = parts;
    this.#driverHealth = new DriverHealth(hub);
    this.#health = new Health(clock);
    this.#health.add("driver", () => this.#driverHealth.of(broker.capabilities.driver));
    this.#health.add("messages", async () => (await broker.inspect([]), { status: "ok" }));
    this.#health.add("store", async () => (await store.get("health/look"), { status: "ok" }));
    this.#types = options.statistics ? new MessageStats(hub) : undefined;
    const onFault = (error: unknown): void =>
      logger.warn({ error: String(error) }, "Audit lines could not be written; they are tried again");
    this.#audit = options.audit ? new AuditFiles({ ...options.audit, events: hub, clock, onFault }) : undefined;
  }

  async open(): Promise<void> {
    await this.#audit?.open();
  }

  health(): Promise<HealthReport> {
    return this.#health.report();
  }

  async stats(): Promise<BusStats> {
    const { broker, registry } = this.#parts;
    const [inboxes, agents] = await Promise.all([broker.inspect(), registry.stats()]);
    return {
      messages: accounting(inboxes),
      agents,
      ...(this.#types ? { types: this.#types.byType() } : {}),
      ...(this.#audit ? { audit: this.#audit.statistics() } : {}),
    };
  }

  /** Writes what waits and stops looking. */
  async close(): Promise<void> {
    this.#types?.close();
    this.#driverHealth.close();
    await this.#audit?.close();
  }
}

import { randomBytes } from "node:crypto";
import type { Driver, DriverContext } from "../broker/driver.ts";
import { loadDriver } from "../drivers.ts";
import { AgentwireError } from "../errors.ts";
import { systemClock } from "../internal/clock.ts";
import { jsonCodec } from "../message/codec-json.ts";
import { checkName } from "../message/name.ts";
import type { Store } from "../store/store.ts";
import { carry } from "./carry.ts";
import type { MigrationProgress, MigrationReport } from "./progress.ts";

/** Options of {@link migrate}. */
export interface MigrateOptions {
  /** Which of several buses on the engines; default `default`. */
  readonly namespace?: string;
  /** Default `default`. */
  readonly tenant?: string;
  /** How both engines keep messages; default `json`. */
  readonly codec?: "json" | "msgpack";
  /** Carry it though others are connected to the source, or though it was carried before. What changes meanwhile may be missed. Default false. */
  readonly force?: boolean;
  onProgress?(progress: MigrationProgress): void;
}

/**
 * Copies a bus from one engine to another: what waits, in its order, with attempts and due times; dead letters, registry
 * and state; receipts and journal. The source keeps all, and a mark that it was carried. After an interruption the same
 * call goes on, for 7 days, and puts nothing in the target twice.
 * @throws ENGINE_STATE while others are connected to the source, or it was carried before; UNSUPPORTED, ARGUMENT_INVALID, URL_INVALID, DRIVER_MISSING, STORE_REQUIRED, NAME_INVALID
 */
export async function migrate(from: string, to: string, options: MigrateOptions = {}): Promise<MigrationReport> {
  const { namespace = "default", tenant = "default", codec = "json", force = false, onProgress = () => {} } = options;
  const run = randomBytes(6).toString("hex");
  const context: DriverContext = {
    clock: systemClock,
    codec: codec === "msgpack" ? (await import("../message/codec-msgpack.ts")).msgpackCodec() : jsonCodec,
    scope: `${checkName(namespace, "namespace")}/${checkName(tenant, "tenant")}`,
    instance: `migration-${run}`,
    report: () => {},
  };
  const source = withStore(await loadDriver(from, context));
  const target = withStore(await loadDriver(to, context));
  try {
    for (const { store, broker } of [source, target]) {
      await store.open();
      await broker.open();
    }
    return await carry({ from: source, to: target }, { clock: systemClock, run, force, onProgress });
  } finally {
    for (const { store, broker } of [target, source]) {
      await broker.close();
      await store.close();
    }
  }
}

function withStore({ broker, store }: Driver): Driver & { readonly store: Store } {
  if (store) return { broker, store };
  throw new AgentwireError(
    "STORE_REQUIRED",
    `${broker.capabilities.driver} carries messages only; it cannot be carried yet`,
  );
}

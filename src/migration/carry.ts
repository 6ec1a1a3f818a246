import { AgentwireError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import { PRESENCE_PREFIX } from "../registry/heartbeat.ts";
import { carryMessages } from "./carry-messages.ts";
import { carryLogs, carryValues } from "./carry-store.ts";
import { arrive, depart, type Journey } from "./marks.ts";
import type { MigrationProgress, MigrationReport } from "./progress.ts";

/** How a bus is carried. */
export interface CarryOptions {
  readonly clock: Clock;
  /** Names the run if it is a new one. */
  readonly run: string;
  readonly force: boolean;
  onProgress(progress: MigrationProgress): void;
}

/** Carries a bus between two engines that are open; what was begun before goes on. @throws ENGINE_STATE, ARGUMENT_INVALID, UNSUPPORTED */
export async function carry(
  journey: Journey,
  { clock, run, force, onProgress }: CarryOptions,
): Promise<MigrationReport> {
  const { from, to } = journey;
  if (!force) await refuseOthers(journey);
  const departure = await depart(journey, { run, now: clock.now(), force });
  const telling = (step: MigrationProgress["step"]) => (name: string, done: number) => onProgress({ step, name, done });
  const stores = { from: from.store, to: to.store, now: () => clock.now() };
  const values = await carryValues({ ...stores, onProgress: telling("state") });
  const entries = await carryLogs(departure.run, { ...stores, onProgress: telling("history") });
  const carried = await carryMessages({ from: from.broker, to: to.broker, onProgress: telling("messages") });
  await arrive(journey, departure, clock.now());
  return { values, entries, ...carried, attempts: to.broker.capabilities.attempts ?? false };
}

async function refuseOthers({ from }: Journey): Promise<void> {
  const present = (await from.store.list(PRESENCE_PREFIX)).map(({ key }) => key.slice(PRESENCE_PREFIX.length));
  const taking = (await from.broker.inspect()).filter(({ consumers }) => consumers > 0).map(({ name }) => name);
  if (present.length === 0 && taking.length === 0) return;
  const who = [...present.map((name) => `process ${name}`), ...taking.map((name) => `consumers of ${name}`)];
  throw new AgentwireError("ENGINE_STATE", `Others are connected to the source: ${who.slice(0, 5).join(", ")}`, {
    details: { instances: present, inboxes: taking },
    hint: "Stop them; one that died is forgotten within a minute. What changes while it is carried may be missed: force it if you know better.",
  });
}

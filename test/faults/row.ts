import type { EngineName } from "../../scripts/servers/engines.ts";
import type { HistoryVerdict } from "../../src/testing/history-checker.ts";
import type { Need } from "./need.ts";

/** How large a run is. */
export interface Scale {
  readonly messages: number;
  /** How often the row's fault strikes. */
  readonly strikes: number;
  readonly senders: number;
  readonly consumers: number;
  /** Milliseconds. */
  readonly lease: number;
  /** Bytes of the largest payload. */
  readonly largest: number;
}

/** The quick scale: each row takes seconds. */
export const QUICK: Scale = { messages: 1_200, strikes: 2, senders: 2, consumers: 2, lease: 1_000, largest: 4_096 };

/** The full scale of the fault matrix. */
export const FULL: Scale = { messages: 100_000, strikes: 20, senders: 4, consumers: 4, lease: 5_000, largest: 65_536 };

/** Milliseconds of a lease that no living holder loses, however busy the machine is: for rows that allow no hand-off twice. */
export const SAFE_LEASE = 10_000;

/** What a row has shown. */
export interface RowResult {
  /** What was measured, by name; times in milliseconds. */
  readonly figures: Readonly<Record<string, number | string>>;
  /** Every criterion that was not met; empty: the row holds. */
  readonly broken: readonly string[];
}

/** What a row runs on. */
export type Backend = "sqlite" | "memory" | EngineName;

/** Engines that are servers, with which whole fault rows are run. */
export const SERVERS: readonly EngineName[] = ["redis", "postgres", "nats", "rabbitmq"];

/** Whether the engine ends with the process of its only user. */
export function isInProcess(backend: Backend): boolean {
  return backend === "memory";
}

/** One row of the fault matrix. */
export interface Row {
  readonly id: string;
  readonly title: string;
  /** Short enough at the quick scale to be run with every test. */
  readonly quick: boolean;
  /** Of programs; where it is not there, the row is not run, and the report says so. */
  readonly needs?: Need;
  /** What it is run on; default sqlite alone. */
  readonly on?: readonly Backend[];
  run(scale: Scale, seed: number, backend: Backend): Promise<RowResult>;
}

const PROMISES = ["lost", "invented", "corrupted", "repeated", "unmarked", "outOfOrder", "late", "stuck"] as const;

/** The common criteria as they came out: counts of all, and what was broken. */
export function judged(verdict: HistoryVerdict): { figures: Record<string, number | string>; broken: string[] } {
  const figures: Record<string, number | string> = { ...verdict.counts };
  const broken: string[] = [];
  for (const promise of PROMISES) {
    const found = verdict[promise];
    figures[promise] = found.length;
    if (found.length > 0) broken.push(`${promise}: ${found.length}, such as ${found.slice(0, 3).join(", ")}`);
  }
  return { figures, broken };
}

/** Notes a figure that must not be over a bound. */
export function within(
  result: { figures: Record<string, number | string>; broken: string[] },
  name: string,
  found: number,
  most: number,
): void {
  result.figures[name] = Math.round(found * 10) / 10;
  if (!(found <= most)) result.broken.push(`${name}: ${Math.round(found)}, at most ${most} allowed`);
}

import type { Settings } from "./task.ts";

/** How durable an accepted message is on a side; `-` where nothing is stored. */
export type DurabilityClass = "-" | "none" | "below process" | "process" | "power";

/** One side as it takes part in a workload. */
export interface Contestant {
  /** Name in the printed table. */
  readonly label: string;
  readonly side: string;
  readonly class: DurabilityClass;
  readonly settings?: Settings;
  /** The part of the count that a slow side gets, so that each takes about as long; default 1. */
  readonly share?: number;
}

/** What the first contestant must reach: a ratio to another's figure of the same round, or a plain figure. */
export interface Target {
  readonly figure: string;
  /** Label of the contestant compared with; absent: the figure itself counts. */
  readonly against?: string;
  readonly bound: "at least" | "at most";
  readonly target: number;
  readonly stretch?: number;
}

/** One printed column. */
export interface Column {
  readonly figure: string;
  readonly title: string;
  readonly digits: number;
}

/** A comparison of sides that do the same work; the first contestant is ours. */
export interface Workload {
  readonly name: string;
  readonly about: string;
  readonly columns: readonly Column[];
  readonly contestants: readonly [Contestant, ...Contestant[]];
  readonly targets: readonly Target[];
  /** How much of `unit` each side gets in each round, a fifth of it warm-up, unless `--count` says otherwise. */
  readonly count: number;
  readonly unit: "messages" | "deliveries" | "round trips" | "starts" | "seconds";
  /** So long that it only runs by name. */
  readonly slow?: boolean;
}

/** The column of throughput. */
export const RATE: Column = { figure: "rate", title: "msgs/s", digits: 0 };

/** Processor time of the side's own process; a server's is not in it. Unlike rates it hardly moves on a busy machine. */
export const CPU: Column = { figure: "cpu", title: "CPU us/msg", digits: 2 };

/** The columns of times. */
export const TIMES: readonly Column[] = [
  { figure: "p50", title: "p50 ms", digits: 2 },
  { figure: "p99", title: "p99 ms", digits: 2 },
];

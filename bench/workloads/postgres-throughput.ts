import type { Manner, Phase } from "../harness/queue.ts";
import { type Contestant, CPU, RATE, type Workload } from "../harness/workload.ts";

const RAW = "raw PostgreSQL, batches of 100";
const PG_BOSS = "pg-boss";

function contestant(label: string, side: string, settings: { phase: Phase; manner: Manner }): Contestant {
  return { label, side, class: "power", settings };
}

function windowed(phase: Phase, what: string): Workload {
  return {
    name: `postgres-w256-${phase}`,
    about: `PostgreSQL, every commit synced, 256 in flight: ${what}`,
    columns: [RATE, CPU],
    count: 20_000,
    unit: "messages",
    contestants: [
      {
        label: "agentwire postgres",
        side: "agentwire-queue",
        class: "power",
        settings: { driver: "postgres", phase, manner: "w256", history: "off" },
      },
      contestant(RAW, "raw-postgres", { phase, manner: "bulk100" }),
      contestant(PG_BOSS, "pg-boss", { phase, manner: "bulk100" }),
    ],
    targets:
      phase === "e2e"
        ? [
            { figure: "rate", against: RAW, bound: "at least", target: 0.7, stretch: 0.9 },
            { figure: "rate", against: PG_BOSS, bound: "at least", target: 2, stretch: 2.5 },
          ]
        : [],
  };
}

/** Throughput of the postgres driver against the bare client library and against a queue. */
export const postgresThroughput: readonly Workload[] = [
  windowed("e2e", "send and handle at once"),
  windowed("send", "send alone"),
  windowed("drain", "handle alone"),
];

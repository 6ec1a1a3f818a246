import type { Manner, Phase } from "../harness/queue.ts";
import { type Contestant, CPU, RATE, TIMES, type Workload } from "../harness/workload.ts";

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

const FLOOR = "two commits that notify";

const request: Workload = {
  name: "postgres-request",
  about: "PostgreSQL, every commit synced: request and reply between two processes, idle",
  columns: TIMES,
  count: 1_000,
  unit: "round trips",
  contestants: [
    { label: "agentwire postgres", side: "agentwire-requests", class: "power", settings: { driver: "postgres" } },
    { label: FLOOR, side: "raw-postgres-requests", class: "power" },
  ],
  targets: [{ figure: "p50", against: FLOOR, bound: "at most", target: 2, stretch: 1.3 }],
};

const backlog = { driver: "postgres", backlog: 200_000 };
const EMPTY = "agentwire, empty";

const life: Workload = {
  name: "postgres-backlog",
  about: "PostgreSQL, every commit synced: with 200,000 messages waiting and with an empty inbox",
  columns: [
    { figure: "send", title: "send/s", digits: 0 },
    { figure: "drain", title: "drain/s", digits: 0 },
    { figure: "rss", title: "RSS MiB", digits: 0 },
  ],
  count: 20_000,
  unit: "messages",
  slow: true,
  contestants: [
    { label: "agentwire, 200,000 waiting", side: "agentwire-backlog", class: "power", settings: backlog },
    { label: EMPTY, side: "agentwire-backlog", class: "power", settings: { ...backlog, backlog: 0 } },
  ],
  targets: [
    { figure: "send", against: EMPTY, bound: "at least", target: 0.667, stretch: 0.9 },
    { figure: "drain", against: EMPTY, bound: "at least", target: 0.667, stretch: 0.9 },
    { figure: "rss", against: EMPTY, bound: "at most", target: 1.5 },
  ],
};

/** The postgres driver against the bare client library and against a queue. */
export const postgresWorkloads: readonly Workload[] = [
  request,
  life,
  windowed("e2e", "send and handle at once"),
  windowed("send", "send alone"),
  windowed("drain", "handle alone"),
];

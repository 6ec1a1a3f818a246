import type { Manner, Phase } from "../harness/queue.ts";
import { type Contestant, CPU, RATE, TIMES, type Workload } from "../harness/workload.ts";

const RAW = "raw Redis streams";
const BULLMQ = "bullmq";

function contestant(label: string, side: string, settings: Contestant["settings"], share?: number): Contestant {
  return { label, side, class: "power", settings: { ...settings, appendfsync: "always" }, ...(share ? { share } : {}) };
}

function windowed(phase: Phase, what: string): Workload {
  const manner: Manner = "w256";
  return {
    name: `redis-w256-${phase}`,
    about: `Redis, synced before every answer, 256 in flight: ${what}`,
    columns: [RATE, CPU],
    count: 20_000,
    unit: "messages",
    contestants: [
      contestant("agentwire redis", "agentwire-queue", { driver: "redis", phase, manner, history: "off" }),
      contestant(RAW, "raw-redis", { phase, manner }),
      contestant(BULLMQ, "bullmq", { phase, manner }, 0.5),
    ],
    targets:
      phase === "e2e"
        ? [
            { figure: "rate", against: RAW, bound: "at least", target: 0.7, stretch: 0.85 },
            { figure: "rate", against: BULLMQ, bound: "at least", target: 2.5, stretch: 3 },
          ]
        : [],
  };
}

const request: Workload = {
  name: "redis-request",
  about: "Redis, synced before every answer: request and reply between two processes, idle",
  columns: TIMES,
  count: 1_000,
  unit: "round trips",
  contestants: [
    contestant("agentwire redis", "agentwire-requests", { driver: "redis" }),
    contestant(RAW, "raw-redis-requests", {}),
    contestant(BULLMQ, "bullmq-requests", {}),
  ],
  targets: [
    { figure: "p50", against: RAW, bound: "at most", target: 1.5, stretch: 1.2 },
    { figure: "p50", against: BULLMQ, bound: "at most", target: 1, stretch: 0.5 },
  ],
};

/** The redis driver against the bare client library and against a queue. */
export const redisWorkloads: readonly Workload[] = [
  windowed("e2e", "send and handle at once"),
  windowed("send", "send alone"),
  windowed("drain", "handle alone"),
  request,
];

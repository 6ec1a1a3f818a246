import type { Manner, Phase } from "../harness/queue.ts";
import { type Contestant, CPU, RATE, TIMES, type Workload } from "../harness/workload.ts";

const RAW = "raw JetStream";

function contestant(label: string, side: string, settings: Contestant["settings"] = {}): Contestant {
  return { label, side, class: "process", settings };
}

function windowed(phase: Phase, what: string): Workload {
  const manner: Manner = "w256";
  return {
    name: `nats-w256-${phase}`,
    about: `NATS, JetStream on disk, 256 in flight: ${what}`,
    columns: [RATE, CPU],
    count: 20_000,
    unit: "messages",
    contestants: [
      contestant("agentwire nats", "agentwire-queue", { driver: "nats", phase, manner, history: "off" }),
      contestant(RAW, "raw-nats", { phase, manner }),
    ],
    targets: phase === "e2e" ? [{ figure: "rate", against: RAW, bound: "at least", target: 0.8, stretch: 1 }] : [],
  };
}

const request: Workload = {
  name: "nats-request",
  about: "NATS, JetStream on disk: request and reply between two processes, idle",
  columns: TIMES,
  count: 1_000,
  unit: "round trips",
  contestants: [
    contestant("agentwire nats", "agentwire-requests", { driver: "nats" }),
    contestant(RAW, "raw-nats-requests"),
  ],
  targets: [{ figure: "p50", against: RAW, bound: "at most", target: 1.5, stretch: 1.2 }],
};

/** The nats driver against the bare client library. */
export const natsWorkloads: readonly Workload[] = [
  windowed("e2e", "send and handle at once"),
  windowed("send", "send alone"),
  windowed("drain", "handle alone"),
  request,
];

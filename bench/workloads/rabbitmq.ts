import type { Manner, Phase } from "../harness/queue.ts";
import { type Contestant, CPU, RATE, TIMES, type Workload } from "../harness/workload.ts";

const RAW = "raw quorum queues";

function contestant(label: string, side: string, settings: Contestant["settings"] = {}): Contestant {
  return { label, side, class: "power", settings };
}

function windowed(phase: Phase, what: string): Workload {
  const manner: Manner = "w256";
  return {
    name: `rabbitmq-w256-${phase}`,
    about: `RabbitMQ quorum queues, our state on sqlite with every commit synced, 256 in flight: ${what}`,
    columns: [RATE, CPU],
    count: 20_000,
    unit: "messages",
    contestants: [
      contestant("agentwire rabbitmq", "agentwire-queue", { driver: "rabbitmq", phase, manner, history: "off" }),
      contestant(RAW, "raw-rabbitmq", { phase, manner }),
    ],
    targets: phase === "e2e" ? [{ figure: "rate", against: RAW, bound: "at least", target: 0.7, stretch: 0.9 }] : [],
  };
}

const request: Workload = {
  name: "rabbitmq-request",
  about:
    "RabbitMQ quorum queues, our state on sqlite with every commit synced: request and reply between two processes, idle",
  columns: TIMES,
  count: 1_000,
  unit: "round trips",
  contestants: [
    contestant("agentwire rabbitmq", "agentwire-requests", { driver: "rabbitmq" }),
    contestant(RAW, "raw-rabbitmq-requests"),
  ],
  targets: [{ figure: "p50", against: RAW, bound: "at most", target: 1.5, stretch: 1.2 }],
};

/** The rabbitmq driver against the bare client library. */
export const rabbitmqWorkloads: readonly Workload[] = [
  windowed("e2e", "send and handle at once"),
  windowed("send", "send alone"),
  windowed("drain", "handle alone"),
  request,
];

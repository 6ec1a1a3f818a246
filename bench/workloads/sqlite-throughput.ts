import type { Manner, Phase } from "../harness/queue.ts";
import { type Contestant, CPU, RATE, type Target, type Workload } from "../harness/workload.ts";

const RAW_BATCHES = "raw SQLite, batches of 100";
const RAW_PROMISES = "raw SQLite behind promises";
const RAW_SINGLE = "raw SQLite, one row a commit";
const PLAINJOB = "plainjob";
const BULLMQ = "bullmq, appendfsync everysec";
const BULLMQ_ALWAYS = "bullmq, appendfsync always";
const PG_BOSS = "pg-boss";

function ours(phase: Phase, manner: Manner): Contestant {
  return {
    label: "agentwire sqlite",
    side: "agentwire-queue",
    class: "power",
    settings: { driver: "sqlite", phase, manner, history: "off" },
  };
}

function raw(label: string, side: string, phase: Phase, manner: Manner): Contestant {
  return { label, side, class: "power", settings: { phase, manner } };
}

function peers(phase: Phase, manner: Manner): Contestant[] {
  const bulk = { phase, manner: manner === "one" ? manner : "bulk100" };
  const redis = { phase, manner };
  return [
    { label: PLAINJOB, side: "plainjob", class: "process", share: 0.4, settings: bulk },
    {
      label: BULLMQ,
      side: "bullmq",
      class: "below process",
      share: 0.4,
      settings: { ...redis, appendfsync: "everysec" },
    },
    { label: BULLMQ_ALWAYS, side: "bullmq", class: "power", share: 0.2, settings: { ...redis, appendfsync: "always" } },
    { label: PG_BOSS, side: "pg-boss", class: "power", share: manner === "one" ? 0.05 : 0.3, settings: bulk },
  ];
}

const peerTargets: readonly Target[] = [BULLMQ, BULLMQ_ALWAYS, PG_BOSS, PLAINJOB].map((against) => ({
  figure: "rate",
  against,
  bound: "at least",
  target: 3,
  stretch: 4.5,
}));

function windowed(phase: Phase, what: string): Workload {
  return {
    name: `sqlite-w256-${phase}`,
    about: `SQLite, every commit synced, 256 in flight: ${what}`,
    columns: [RATE, CPU],
    count: 50_000,
    unit: "messages",
    contestants: [
      ours(phase, "w256"),
      raw(RAW_BATCHES, "raw-batches", phase, "bulk100"),
      raw(RAW_PROMISES, "raw-promises", phase, "w256"),
      ...peers(phase, "w256"),
    ],
    // What is promised is the whole way; its halves are for orientation.
    targets:
      phase === "e2e"
        ? [{ figure: "rate", against: RAW_BATCHES, bound: "at least", target: 0.7, stretch: 1 }, ...peerTargets]
        : [{ figure: "rate", against: RAW_BATCHES, bound: "at least", target: 0.7, stretch: 1 }],
  };
}

function single(phase: Phase, what: string): Workload {
  return {
    name: `sqlite-one-${phase}`,
    about: `SQLite, every commit synced, each send awaited: ${what}`,
    columns: [RATE, CPU],
    count: 5_000,
    unit: "messages",
    contestants: [ours(phase, "one"), raw(RAW_SINGLE, "raw-single", phase, "one"), ...peers(phase, "one")],
    targets: [{ figure: "rate", against: RAW_SINGLE, bound: "at least", target: 0.7, stretch: 0.9 }],
  };
}

function bulk(phase: Phase, what: string): Workload {
  return {
    name: `sqlite-bulk100-${phase}`,
    about: `SQLite, every commit synced, sendMany of 100: ${what}`,
    columns: [RATE, CPU],
    count: 50_000,
    unit: "messages",
    contestants: [
      ours(phase, "bulk100"),
      raw(RAW_BATCHES, "raw-batches", phase, "bulk100"),
      ...peers(phase, "bulk100"),
    ],
    targets: [{ figure: "rate", against: RAW_BATCHES, bound: "at least", target: 0.7, stretch: 1 }],
  };
}

/** Throughput of the sqlite driver against the bare engine and against queues. */
export const sqliteThroughput: readonly Workload[] = [
  windowed("e2e", "send and handle at once"),
  windowed("send", "send alone"),
  windowed("drain", "handle alone"),
  single("e2e", "send and handle at once"),
  single("send", "send alone"),
  bulk("e2e", "send and handle at once"),
  bulk("send", "send alone"),
];

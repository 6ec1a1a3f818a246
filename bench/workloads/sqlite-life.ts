import { CPU, RATE, TIMES, type Workload } from "../harness/workload.ts";

const request: Workload = {
  name: "sqlite-request",
  about: "SQLite, every commit synced: request and reply between two processes, idle",
  columns: TIMES,
  count: 1_000,
  unit: "round trips",
  contestants: [
    { label: "agentwire sqlite", side: "agentwire-requests", class: "power", settings: { driver: "sqlite" } },
    { label: "two commits + one socket round trip", side: "floor-requests", class: "power" },
    {
      label: "bullmq, appendfsync everysec",
      side: "bullmq-requests",
      class: "below process",
      settings: { appendfsync: "everysec" },
    },
    {
      label: "bullmq, appendfsync always",
      side: "bullmq-requests",
      class: "power",
      settings: { appendfsync: "always" },
    },
  ],
  targets: [
    { figure: "p50", against: "two commits + one socket round trip", bound: "at most", target: 2, stretch: 1.3 },
    { figure: "p50", against: "bullmq, appendfsync everysec", bound: "at most", target: 1, stretch: 0.5 },
    { figure: "p50", against: "bullmq, appendfsync always", bound: "at most", target: 1, stretch: 0.5 },
  ],
};

const queue = { driver: "sqlite", phase: "e2e", manner: "w256" };

const history: Workload = {
  name: "sqlite-history",
  about: "SQLite, every commit synced, 256 in flight: with history kept and without",
  columns: [RATE, CPU],
  count: 50_000,
  unit: "messages",
  contestants: [
    { label: "agentwire with history", side: "agentwire-queue", class: "power", settings: { ...queue, history: "on" } },
    { label: "agentwire without", side: "agentwire-queue", class: "power", settings: { ...queue, history: "off" } },
  ],
  targets: [{ figure: "rate", against: "agentwire without", bound: "at least", target: 0.85, stretch: 0.9 }],
};

const backlog: Workload = {
  name: "sqlite-backlog",
  about: "SQLite, every commit synced: with 1,000,000 messages waiting and with an empty inbox",
  columns: [
    { figure: "send", title: "send/s", digits: 0 },
    { figure: "drain", title: "drain/s", digits: 0 },
    { figure: "rss", title: "RSS MiB", digits: 0 },
  ],
  count: 50_000,
  unit: "messages",
  slow: true,
  contestants: [
    {
      label: "agentwire, 1,000,000 waiting",
      side: "agentwire-backlog",
      class: "power",
      settings: { driver: "sqlite", backlog: 1_000_000 },
    },
    {
      label: "agentwire, empty",
      side: "agentwire-backlog",
      class: "power",
      settings: { driver: "sqlite", backlog: 0 },
    },
  ],
  targets: [
    { figure: "send", against: "agentwire, empty", bound: "at least", target: 0.667, stretch: 0.9 },
    { figure: "drain", against: "agentwire, empty", bound: "at least", target: 0.667, stretch: 0.9 },
    { figure: "rss", against: "agentwire, empty", bound: "at most", target: 1.5 },
  ],
};

/** What the sqlite driver is like to live with. */
export const sqliteLife: readonly Workload[] = [request, history, backlog];

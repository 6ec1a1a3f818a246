import { TIMES, type Workload } from "../harness/workload.ts";

const LOAD = "require('better-sqlite3')";

const start: Workload = {
  name: "start",
  about: "from the start of the process to the first message handled, SQLite",
  columns: TIMES,
  count: 20,
  unit: "starts",
  contestants: [
    { label: "agentwire, new file", side: "agentwire-start", class: "power", settings: { file: "new" } },
    { label: "node -e 0", side: "node-start", class: "-", settings: { code: "0" } },
    { label: "agentwire, existing file", side: "agentwire-start", class: "power", settings: { file: "kept" } },
    { label: "node, better-sqlite3 loaded", side: "node-start", class: "-", settings: { code: LOAD } },
  ],
  targets: [{ figure: "p50", against: "node -e 0", bound: "at most", target: 4, stretch: 2.5 }],
};

function idle(driver: "sqlite" | "memory"): Workload {
  return {
    name: `idle-${driver}`,
    about: `100 joined agents with nothing to do, ${driver} driver`,
    columns: [{ figure: "cpu", title: "% of a core", digits: 3 }],
    count: 60,
    unit: "seconds",
    slow: true,
    contestants: [
      {
        label: `agentwire ${driver}`,
        side: "agentwire-idle",
        class: driver === "sqlite" ? "power" : "none",
        settings: { driver, agents: 100 },
      },
    ],
    targets: [{ figure: "cpu", bound: "at most", target: 1, stretch: 0.1 }],
  };
}

function memory(driver: "sqlite" | "memory"): Workload {
  return {
    name: `flat-${driver}`,
    about: `heap and external memory after a tenth of the messages and after all, ${driver} driver`,
    columns: [
      { figure: "early", title: "MiB early", digits: 1 },
      { figure: "late", title: "MiB late", digits: 1 },
      { figure: "growth", title: "growth", digits: 3 },
    ],
    count: 1_000_000,
    unit: "messages",
    slow: true,
    contestants: [
      {
        label: `agentwire ${driver}`,
        side: "agentwire-memory",
        class: driver === "sqlite" ? "power" : "none",
        settings: { driver },
      },
    ],
    targets: [{ figure: "growth", bound: "at most", target: 1.2 }],
  };
}

/** What a process costs that has a bus in it. */
export const processWorkloads: readonly Workload[] = [
  start,
  idle("sqlite"),
  idle("memory"),
  memory("sqlite"),
  memory("memory"),
];

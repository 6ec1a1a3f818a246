import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

// Tests that start, kill or freeze processes live in a folder `faults`. Those of whole fault rows, in test/faults/, run one
// file at a time, when all else is over. All run in forks: a thread in which a socket was reset (`resetAndDestroy`) may spin for ever when it
// should end, on Node 20, and the run with it.
const rows = ["test/faults/**/*.test.ts"];
const processes = ["test/*/**/faults/**/*.test.ts"];
const patient = {
  testTimeout: 120_000,
  hookTimeout: 60_000,
  // Node 22 says of its own SQLite that it is experimental, in every program that uses it.
  env: { NODE_OPTIONS: "--disable-warning=ExperimentalWarning" },
};

export default defineConfig({
  resolve: {
    alias: [
      { find: /^agentwire$/, replacement: source("index.ts") },
      { find: /^agentwire\/testing$/, replacement: source("testing/index.ts") },
      { find: /^agentwire\/twins$/, replacement: source("twins/index.ts") },
    ],
  },
  test: {
    coverage: { provider: "v8", include: ["src/**"], reporter: ["text-summary", "html"] },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...rows, ...processes],
          pool: "forks",
          maxWorkers: 2,
          testTimeout: 10_000,
        },
      },
      { extends: true, test: { name: "processes", include: processes, pool: "forks", maxWorkers: 2, ...patient } },
      {
        extends: true,
        test: {
          name: "faults",
          include: rows,
          pool: "forks",
          sequence: { groupOrder: 1 },
          fileParallelism: false,
          maxConcurrency: 2,
          ...patient,
        },
      },
    ],
  },
});

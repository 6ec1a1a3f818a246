import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { closedGaps, gaps, kill, openOnMemory, openOnSqlite } from "./engine.ts";

describe("a ledger over queues that can be looked into", () =>
  brokerConformance({ describe, it, open: () => openOnMemory({ isOpen: true }), gaps, kill, runs: 10 }));
describe("a ledger over queues that only give and take", () =>
  brokerConformance({ describe, it, open: () => openOnMemory({ isOpen: false }), gaps: closedGaps, kill, runs: 10 }));
describe("a ledger in an sqlite store", () =>
  brokerConformance({ describe, it, open: () => openOnSqlite({ isOpen: true }), gaps, kill, runs: 1 }));

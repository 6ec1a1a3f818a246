import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { gaps, kill, openOnMemory, openOnSqlite } from "./engine.ts";

describe("messages on a memory store", () =>
  brokerConformance({ describe, it, open: () => openOnMemory(), gaps, kill }));
describe("messages on a memory store, requeued as engines do", () =>
  brokerConformance({
    describe,
    it,
    open: () => openOnMemory({ keepsPlaces: false }),
    gaps: [...gaps, "order.release"],
    kill,
    runs: 5,
  }));
describe("messages on an sqlite store", () =>
  brokerConformance({ describe, it, open: openOnSqlite, gaps, kill, runs: 1 }));

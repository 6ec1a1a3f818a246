import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../../src/testing/conformance/store/index.ts";
import { gapsOf } from "../../../src/testing/guarantees.ts";
import { openMemory } from "./engine.ts";

// The engine outlives its connections here, so that even the gap of reopening is closed.
describe("memory broker", () => brokerConformance({ describe, it, open: openMemory, gaps: ["order.key"] }));
describe("memory store", () => storeConformance({ describe, it, open: openMemory, gaps: gapsOf("memory", "store") }));

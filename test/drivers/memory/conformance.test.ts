import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { gapsOf } from "../../../src/testing/guarantees.ts";
import { openMemory } from "./engine.ts";

brokerConformance({ describe, it, open: openMemory, gaps: gapsOf("memory", "broker") });

import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";

import { openMemory } from "./engine.ts";

brokerConformance({ describe, it, open: openMemory });

import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../../src/testing/conformance/store/index.ts";
import { openSqlite } from "./engine.ts";

brokerConformance({ describe, it, open: openSqlite });
storeConformance({ describe, it, open: openSqlite });

import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../../src/testing/conformance/store/index.ts";
import { gapsOf } from "../../../src/testing/guarantees.ts";
import { describeOn } from "../../support/servers.ts";
import { kill, openNats } from "./engine.ts";

describeOn("nats", "on a server", (server) => {
  const open = () => openNats(server.url);
  // Few walks: NATS 2.9 hides what waits alone between two of its level that were withdrawn, the later one first.
  describe("nats broker", () =>
    brokerConformance({ describe, it, open, kill, gaps: gapsOf("nats", "broker"), runs: 5 }));
  describe("nats store", () => storeConformance({ describe, it, open, gaps: gapsOf("nats", "store") }));
});

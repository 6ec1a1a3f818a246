import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../../src/testing/conformance/store/index.ts";
import { gapsOf } from "../../../src/testing/guarantees.ts";
import { describeOn } from "../../support/servers.ts";
import { kill, openNats } from "./engine.ts";

describeOn("nats", "on a server", (server) => {
  const open = () => openNats(server.url);
  // Each walk makes consumers of its own on the server. An answer that the server owes is asked for again after 10 s.
  describe("nats broker", { timeout: 30_000 }, () =>
    brokerConformance({ describe, it, open, kill, gaps: gapsOf("nats", "broker"), runs: 5 }),
  );
  describe("nats store", () => storeConformance({ describe, it, open, gaps: gapsOf("nats", "store") }));
});

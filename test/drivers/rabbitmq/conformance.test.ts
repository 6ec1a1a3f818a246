import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { gapsOf } from "../../../src/testing/guarantees.ts";
import { describeOn } from "../../support/servers.ts";
import { kill, openRabbitmq } from "./engine.ts";

describeOn("rabbitmq", "on a server", (server) => {
  const open = () => openRabbitmq(server.url);
  // Each walk declares queues, of which each is a group of its own on the server.
  describe("rabbitmq broker", { timeout: 30_000 }, () =>
    brokerConformance({ describe, it, open, kill, gaps: gapsOf("rabbitmq", "broker"), runs: 3 }),
  );
});

import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../../src/testing/conformance/store/index.ts";
import { gapsOf } from "../../../src/testing/guarantees.ts";
import { describeOn } from "../../support/servers.ts";
import { kill, openRedis } from "./engine.ts";

describeOn("redis", "on a server", (server) => {
  const open = () => openRedis(server.url);
  describe("redis broker", () => brokerConformance({ describe, it, open, kill, gaps: gapsOf("redis", "broker") }));
  describe("redis store", () => storeConformance({ describe, it, open, gaps: gapsOf("redis", "store") }));
});

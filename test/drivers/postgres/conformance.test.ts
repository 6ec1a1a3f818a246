import { describe, it } from "vitest";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../../src/testing/conformance/store/index.ts";
import { describeOn } from "../../support/servers.ts";
import { kill, openPostgres } from "./engine.ts";

describeOn("postgres", "with a PostgreSQL server", (server) => {
  const open = () => openPostgres(server.url);
  brokerConformance({ describe, it, open, kill });
  storeConformance({ describe, it, open });
});

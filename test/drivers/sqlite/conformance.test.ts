import { describe, it } from "vitest";
import { loadClientLibrary, nodeSqlite } from "../../../src/drivers/sqlite/client-library.ts";
import { brokerConformance } from "../../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../../src/testing/conformance/store/index.ts";
import { openSqlite } from "./engine.ts";

const preferred = loadClientLibrary();
const builtIn = nodeSqlite();

describe(`with ${preferred.name}`, () => {
  brokerConformance({ describe, it, open: () => openSqlite() });
  storeConformance({ describe, it, open: () => openSqlite() });
});

if (typeof builtIn === "string") it.skip(`with node:sqlite: ${builtIn}`);
else if (builtIn.name !== preferred.name)
  describe(`with ${builtIn.name}`, () => {
    brokerConformance({ describe, it, open: () => openSqlite(() => builtIn) });
    storeConformance({ describe, it, open: () => openSqlite(() => builtIn) });
  });

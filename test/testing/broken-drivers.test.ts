import { describe, expect, it } from "vitest";
import { brokerConformance } from "../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../src/testing/conformance/store/index.ts";
import type { ConformanceEngine, ConformanceOptions } from "../../src/testing/conformance/suite.ts";
import { gapsOf } from "../../src/testing/guarantees.ts";
import { openMemory } from "../drivers/memory/engine.ts";
import { brokerFaults, type Fault, storeFaults } from "./faults.ts";

type Suite = (options: ConformanceOptions) => void;

const gaps = gapsOf("memory", "store");

/** Runs a suite on drivers with a fault; returns the names of the cases that fail. */
async function failures(suite: Suite, fault: Fault): Promise<string[]> {
  const cases: { name: string; body: () => Promise<void> }[] = [];
  const open = async (): Promise<ConformanceEngine> => {
    const engine = await openMemory();
    return { ...engine, connect: async (options) => fault(await engine.connect(options)) };
  };
  suite({ describe: (_, body) => body(), it: (name, body) => cases.push({ name, body }), open, gaps });
  const failed: string[] = [];
  for (const { name, body } of cases) await body().catch(() => failed.push(name));
  return failed;
}

const names =
  (id: string) =>
  (name: string): boolean =>
    /\[(.*)\]$/.exec(name)?.[1]?.split(", ").includes(id) ?? false;

describe("the broker suite", () => {
  it("finds nothing wrong with a right driver", async () => {
    expect(await failures(brokerConformance, (driver) => driver)).toEqual([]);
  });

  it.each(Object.entries(brokerFaults))("catches a driver that %s", async (_, { breaks, fault }) => {
    expect((await failures(brokerConformance, fault)).filter(names(breaks))).not.toEqual([]);
  });
});

describe("the store suite", () => {
  it("finds nothing wrong with a right driver", async () => {
    expect(await failures(storeConformance, (driver) => driver)).toEqual([]);
  });

  it.each(Object.entries(storeFaults))("catches a driver that %s", async (_, { breaks, fault }) => {
    expect((await failures(storeConformance, fault)).filter(names(breaks))).not.toEqual([]);
  });
});

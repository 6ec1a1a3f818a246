import { describe, expect, it } from "vitest";
import { brokerConformance } from "../../src/testing/conformance/broker/index.ts";
import { storeConformance } from "../../src/testing/conformance/store/index.ts";
import type { ConformanceEngine, ConformanceOptions } from "../../src/testing/conformance/suite.ts";
import { gapsOf } from "../../src/testing/guarantees.ts";
import { gaps, kill, openOnMemory } from "../drivers/ledger/engine.ts";
import { openMemory } from "../drivers/memory/engine.ts";
import { openSqlite } from "../drivers/sqlite/engine.ts";
import { brokerFaults, broker as brokerWith, type Fault, faultsInDeath, faultsOfKeys, storeFaults } from "./faults.ts";

type Suite = (options: ConformanceOptions) => void;

type RightDriver = Pick<ConformanceOptions, "open" | "gaps" | "kill">;

const memory: RightDriver = { open: openMemory, gaps: [...gapsOf("memory", "store"), "order.key"] };
/** For the cases of what memory does not keep. */
const sqlite: RightDriver = { open: openSqlite };
/** For the cases that kill a driver. */
const ledger: RightDriver = { open: () => openOnMemory({ isOpen: true }), gaps, kill };

/** Runs a suite, or the one case whose name begins so, on drivers with a fault; returns the names of the cases that fail. */
async function failures(suite: Suite, fault: Fault, right: RightDriver, only = ""): Promise<string[]> {
  const cases: { name: string; body: () => Promise<void> }[] = [];
  const open = async (): Promise<ConformanceEngine> => {
    const engine = await right.open();
    return { ...engine, connect: async (options) => fault(await engine.connect(options)) };
  };
  suite({ ...right, describe: (_, body) => body(), it: (name, body) => cases.push({ name, body }), open });
  const failed: string[] = [];
  for (const { name, body } of cases.filter((one) => one.name.startsWith(only)))
    await body().catch(() => failed.push(name));
  return failed;
}

const names =
  (id: string) =>
  (name: string): boolean =>
    /\[(.*)\]$/.exec(name)?.[1]?.split(", ").includes(id) ?? false;

describe("the broker suite", () => {
  it("finds nothing wrong with a right driver", async () => {
    expect(await failures(brokerConformance, (driver) => driver, memory)).toEqual([]);
  });

  it("finds nothing wrong with one that keeps less and says so", async () => {
    const less = { releasesInPlace: false, sharedAging: false };
    const lesser: Fault = brokerWith((right) => ({ capabilities: { ...right.capabilities, ...less } }));
    const right = { ...memory, gaps: [...(memory.gaps ?? []), "order.release", "aging.shared"] as const };
    expect(await failures(brokerConformance, lesser, right)).toEqual([]);
  });

  it.each(Object.entries(brokerFaults))("catches a driver that %s", async (_, { breaks, fault, by }) => {
    expect((await failures(brokerConformance, fault, memory, by)).filter(names(breaks))).not.toEqual([]);
  });

  it.each(Object.entries(faultsOfKeys))("catches a driver that %s", async (_, { breaks, fault, by }) => {
    expect((await failures(brokerConformance, fault, sqlite, by)).filter(names(breaks))).not.toEqual([]);
  });

  it.each(Object.entries(faultsInDeath))("catches a driver that %s", async (_, { breaks, fault, by }) => {
    expect((await failures(brokerConformance, fault, ledger, by)).filter(names(breaks))).not.toEqual([]);
  });
});

describe("the store suite", () => {
  it("finds nothing wrong with a right driver", async () => {
    expect(await failures(storeConformance, (driver) => driver, memory)).toEqual([]);
  });

  it.each(Object.entries(storeFaults))("catches a driver that %s", async (_, { breaks, fault, by }) => {
    expect((await failures(storeConformance, fault, memory, by)).filter(names(breaks))).not.toEqual([]);
  });
});

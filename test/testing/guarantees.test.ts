import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { brokerCases } from "../../src/testing/conformance/broker/index.ts";
import { storeCases } from "../../src/testing/conformance/store/index.ts";
import {
  claimsOf,
  type DriverName,
  GUARANTEES,
  type Guarantee,
  type GuaranteeId,
  gapOf,
  gapsOf,
} from "../../src/testing/guarantees.ts";

/** Ids that titles of tests end with, in brackets. */
function namedInTests(rooms: readonly string[]): Set<string> {
  const named = new Set<string>();
  for (const room of rooms) {
    const folder = new URL(`../${room}/`, import.meta.url);
    for (const file of readdirSync(folder)) {
      const source = readFileSync(new URL(file, folder), "utf8");
      for (const [, ids = ""] of source.matchAll(/ \[([a-z]+\.[a-z]+(?:, [a-z]+\.[a-z]+)*)\]"/g)) {
        for (const id of ids.split(", ")) named.add(id);
      }
    }
  }
  return named;
}

const table: [GuaranteeId, Guarantee][] = Object.entries(GUARANTEES) as [GuaranteeId, Guarantee][];
const suites = { broker: brokerCases, store: storeCases };
const DRIVERS: DriverName[] = ["memory", "sqlite", "redis", "postgres", "nats", "rabbitmq"];

describe("the guarantees table", () => {
  it.each(["broker", "store"] as const)(
    "has a case in the %s suite for everything a driver claims, that no gap leaves out",
    (level) => {
      for (const driver of DRIVERS) {
        const gaps = new Set(gapsOf(driver, level));
        const cases = suites[level]
          .flatMap((group) => [...group.cases])
          .filter((one) => !one.verifies.some((id) => gaps.has(id)));
        const proven = new Set(cases.flatMap((one) => one.verifies));
        expect(
          claimsOf(driver, level).filter((id) => !proven.has(id)),
          `${driver} claims these without a proof`,
        ).toEqual([]);
      }
    },
  );

  it.each(["broker", "store"] as const)("has a guarantee of its level for every case of the %s suite", (level) => {
    for (const one of suites[level].flatMap((group) => [...group.cases])) {
      expect(one.verifies.length, one.name).toBeGreaterThan(0);
      expect(
        one.verifies.filter((id) => GUARANTEES[id].level !== level),
        one.name,
      ).toEqual([]);
    }
  });

  it("has a test of the whole bus for everything it promises, and no promise that is not in the table", () => {
    const named = namedInTests(["bus", "registry"]);
    const promised = table.filter(([id, guarantee]) => guarantee.level === "bus" && gapOf("memory", id) === undefined);
    expect(promised.map(([id]) => id).filter((id) => !named.has(id))).toEqual([]);
    expect([...named].filter((id) => !(id in GUARANTEES))).toEqual([]);
  });

  it("names each case once", () => {
    for (const suite of Object.values(suites)) {
      const names = suite.flatMap((group) => group.cases.map((one) => one.name));
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("has the fifteen promises, a sentence for each guarantee and a reason for each gap", () => {
    for (let n = 1; n <= 15; n++) expect(GUARANTEES).toHaveProperty(`G${n}`);
    for (const [id, guarantee] of table) {
      expect(guarantee.says, id).toMatch(/^[A-Z`][^\n]{10,150}\.$/);
      expect(guarantee.stated, id).not.toBe("");
      for (const reason of Object.values(guarantee.gaps ?? {})) expect(reason, id).toMatch(/\.$/);
    }
    expect(gapOf("memory", "durable.reopen")).toMatch(/memory/);
    expect(gapOf("sqlite", "durable.reopen")).toBeUndefined();
  });
});

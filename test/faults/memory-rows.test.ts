import { expect, it } from "vitest";
import { QUICK } from "./row.ts";
import { RUNS } from "./runs.ts";

const given = process.env["AGENTWIRE_FAULT_SEED"];
const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
const here = RUNS.filter(({ backend }) => backend === "memory");

it.each(here.map((one) => [`${one.id} ${one.title}`, one] as const))("%s", async (_name, one) => {
  const result = await one.run(QUICK, seed);
  expect(result.broken, `seed ${seed}; ${JSON.stringify(result.figures)}`).toEqual([]);
});

import { expect, it } from "vitest";
import { QUICK } from "./row.ts";
import { ROWS } from "./rows.ts";

const given = process.env["AGENTWIRE_FAULT_SEED"];
const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
const here = ROWS.filter(({ onMemory }) => onMemory);

it.each(here.map((row) => [`${row.id} ${row.title}`, row] as const))("%s, on memory", async (_name, row) => {
  const result = await row.run(QUICK, seed, "memory");
  expect(result.broken, `seed ${seed}; ${JSON.stringify(result.figures)}`).toEqual([]);
});

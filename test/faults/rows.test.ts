import { expect, it } from "vitest";
import { QUICK } from "./row.ts";
import { ROWS } from "./rows.ts";

const given = process.env["AGENTWIRE_FAULT_SEED"];
const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);

it.each(ROWS)("$id $title, on sqlite", async (row) => {
  const result = await row.run(QUICK, seed);
  expect(result.broken, `seed ${seed}; ${JSON.stringify(result.figures)}`).toEqual([]);
});

import { expect, it } from "vitest";
import { isInstalled } from "./installed.ts";
import { QUICK } from "./row.ts";
import { runPowerLoss } from "./rows/power-loss.ts";
import { ROWS } from "./rows.ts";

const given = process.env["AGENTWIRE_FAULT_SEED"];
const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);

// Rows that need a tracer or a false clock are run where there is one; docs/reliability.md names them.
const here = ROWS.filter(({ quick, needs }) => quick && (needs === undefined || isInstalled(needs)));

it.each(here.map((row) => [`${row.id} ${row.title}`, row] as const))("%s, on sqlite", async (_name, row) => {
  const result = await row.run(QUICK, seed);
  expect(result.broken, `seed ${seed}; ${JSON.stringify(result.figures)}`).toEqual([]);
});

it.runIf(isInstalled("strace"))(
  "a weaker setting loses confirmed messages when the power goes, and the harness sees it; no image is damaged",
  async () => {
    const { figures } = await runPowerLoss(QUICK, seed, "normal");
    expect(figures["lost"], `seed ${seed}`).toBeGreaterThan(0);
    expect(figures).toMatchObject({ corrupted: 0, invented: 0, "failed integrity checks": 0 });
  },
);

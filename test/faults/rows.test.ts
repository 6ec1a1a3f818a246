import { afterAll, expect, it } from "vitest";
import { installed } from "./need.ts";
import { compiled } from "./program.ts";
import { QUICK, SERVERS } from "./row.ts";
import { runPowerLoss } from "./rows/power-loss.ts";
import { RUNS } from "./runs.ts";

const given = process.env["AGENTWIRE_FAULT_SEED"];
const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);

// Three of the four servers a run, each day another left out; a release plays all.
const resting =
  process.env["AGENTWIRE_ALL_ENGINES"] === undefined
    ? SERVERS[Math.floor(Date.now() / 86_400_000) % SERVERS.length]
    : undefined;

afterAll(() => compiled.close());

// Most of a row is waiting, so two run at once.
// Rows that need a tracer, a false clock, a small disk or a server are run where there is one; where there is none, the report says so.
for (const { id, title, backend, quick, lacks, run } of RUNS) {
  if (!quick || backend === "memory") continue;
  const rest = backend === resting ? ", whose turn is another day (AGENTWIRE_ALL_ENGINES=1)" : "";
  const lacking = rest + lacks.map(({ name }) => `, which needs ${name}`).join("");
  it.skipIf(lacking !== "")(`${id} ${title}${lacking}`, { concurrent: true }, async () => {
    const result = await run(QUICK, seed);
    expect(result.broken, `seed ${seed}; ${JSON.stringify(result.figures)}`).toEqual([]);
  });
}

it.runIf(installed("strace").isMet())(
  "a weaker setting loses confirmed messages when the power goes, and the harness sees it; no image is damaged",
  { concurrent: true },
  async () => {
    const { figures } = await runPowerLoss(QUICK, seed, { synchronous: "normal" });
    expect(figures["lost"], `seed ${seed}`).toBeGreaterThan(0);
    expect(figures).toMatchObject({ corrupted: 0, invented: 0, "failed integrity checks": 0 });
  },
);

// The full run: every row at full scale, one after the other; a finished row is not run again until its line is removed from
// the state file. Arguments: that file, ids of rows such as F1,F3/postgres, and `quick` for the scale of the tests.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { compiled } from "./program.ts";
import { FULL, QUICK, type RowResult } from "./row.ts";
import { RUNS } from "./runs.ts";

interface Finished extends RowResult {
  readonly id: string;
  readonly seed: number;
  readonly seconds: number;
}

const [stateFile = "faults-state.jsonl", only, scale] = process.argv.slice(2);
const finished = existsSync(stateFile)
  ? readFileSync(stateFile, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Finished)
  : [];
const done = new Map(finished.map((row) => [row.id, row]));

for (const row of RUNS) {
  if (only !== undefined && !only.split(",").includes(row.id)) continue;
  if (row.lacks.length > 0) {
    process.stdout.write(`${row.id} NOT RUN: it needs ${row.lacks.map(({ name }) => name).join(", ")}\n`);
    continue;
  }
  const known = done.get(row.id);
  if (known) {
    process.stdout.write(
      `${row.id} done before with seed ${known.seed}: ${known.broken.length === 0 ? "held" : "broken"}\n`,
    );
    continue;
  }
  const seed = Math.floor(Math.random() * 2 ** 31);
  process.stdout.write(`${row.id} ${row.title}, seed ${seed}\n`);
  const started = performance.now();
  const result = await row.run(scale === "quick" ? QUICK : FULL, seed);
  const line: Finished = { id: row.id, seed, seconds: Math.round((performance.now() - started) / 1_000), ...result };
  appendFileSync(stateFile, `${JSON.stringify(line)}\n`);
  done.set(row.id, line);
  for (const [name, figure] of Object.entries(line.figures)) process.stdout.write(`  ${name}: ${figure}\n`);
  for (const criterion of line.broken) process.stdout.write(`  BROKEN ${criterion}\n`);
}

compiled.close();
process.exitCode = [...done.values()].some((row) => row.broken.length > 0) ? 1 : 0;

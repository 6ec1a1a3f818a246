import { rmSync, writeFileSync } from "node:fs";
import { compile } from "./harness/compile.ts";
import { type LeagueResult, runLeague } from "./harness/league.ts";
import { machine } from "./harness/machine.ts";
import { parseOptions } from "./harness/options.ts";
import { describeResult, describeWorkloads } from "./harness/report.ts";
import type { Workload } from "./harness/workload.ts";
import { WORKLOADS } from "./workloads/index.ts";

function chosen(names: readonly string[]): Workload[] {
  if (names.length === 0) return WORKLOADS.filter(({ slow }) => !slow);
  for (const name of names) {
    if (!WORKLOADS.some((workload) => workload.name.startsWith(name)))
      throw new Error(`there is no workload "${name}"; --list shows them`);
  }
  return WORKLOADS.filter((workload) => names.some((name) => workload.name.startsWith(name)));
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const workloads = chosen(options.names);
  if (options.list) {
    console.log(describeWorkloads(options.names.length === 0 ? WORKLOADS : workloads));
    return;
  }
  const { cores, memoryGiB, node, platform } = machine();
  console.log(`${new Date().toISOString().slice(0, 10)}, ${platform}, ${cores} cores, ${memoryGiB} GiB, Node ${node}`);
  const compiled = compile();
  process.on("exit", () => rmSync(compiled, { recursive: true, force: true }));
  process.on("SIGINT", () => process.exit(130));
  process.on("SIGTERM", () => process.exit(143));
  const results: LeagueResult[] = [];
  for (const workload of workloads) {
    try {
      const result = await runLeague(workload, options, compiled);
      results.push(result);
      console.log(`\n${describeResult(result)}`);
    } catch (error) {
      process.exitCode = 1;
      console.error(`\n${workload.name}: ${(error as Error).message}`);
    }
    if (options.json !== undefined) {
      writeFileSync(
        options.json,
        `${JSON.stringify({ at: new Date().toISOString(), machine: machine(), results }, undefined, 2)}\n`,
      );
    }
  }
}

main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});

import { join, relative } from "node:path";
import type { Command } from "commander";
import { type CommonOptions, refuseSecret } from "../connection.ts";
import { conduct, type Kept } from "../demo/conduct.ts";
import { showReport } from "../demo/show-report.ts";
import { standardOutput } from "../output.ts";
import { progressOn } from "../terminal/progress.ts";

/** `agentwire demo [DIR]` */
export function demoCommand(program: Command): void {
  program
    .command("demo")
    .argument("[dir]", "the folder to audit; it is only read", "node_modules")
    .option("--out <dir>", "where the report and the execution tree are written", join(".agentwire", "demo"))
    .option("--keep", "keep what it has made for a look around afterwards", false)
    .description("Show a crew of agents at work: audit the packages of a folder, with one worker killed half way")
    .addHelpText(
      "after",
      "\nIt makes a database for itself; on an engine that is named it has a namespace of its own.\n\nExamples:\n  agentwire demo\n  agentwire demo ../other-project --keep\n",
    )
    .action(async (folder: string, options: { out: string; keep: boolean }, command: Command) => {
      const { json, url, store } = command.optsWithGlobals<CommonOptions>();
      for (const one of [url, store]) if (one !== undefined) refuseSecret(one);
      const { AGENTWIRE_URL, AGENTWIRE_STORE } = process.env;
      const engine = {
        url: url ?? AGENTWIRE_URL,
        store: store ?? (url === undefined ? AGENTWIRE_STORE : undefined),
      };
      const output = standardOutput(json);
      const progress = progressOn(process.stderr);
      const { report, files, kept } = await conduct({ folder, ...options, engine, progress });
      output.show({ ...report, files, ...kept }, () => [
        ...showReport(report, output.style),
        `Execution tree: ${relative("", files.svg)} and ${relative("", files.dot)}; report: ${relative("", files.report)}`,
        ...(kept === undefined ? [] : [`Look around: agentwire agents ${argumentsFor(kept)}`]),
      ]);
    });
}

function argumentsFor({ url, namespace }: Kept): string {
  return namespace === undefined ? `--url ${url}` : `--namespace ${namespace}`;
}

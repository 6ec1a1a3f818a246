import { join, relative } from "node:path";
import type { Command } from "commander";
import { conduct } from "../demo/conduct.ts";
import { showReport } from "../demo/show-report.ts";
import { standardOutput } from "../output.ts";
import { progressOn } from "../terminal/progress.ts";

/** `agentwire demo [DIR]` */
export function demoCommand(program: Command): void {
  program
    .command("demo")
    .argument("[dir]", "the folder to audit; it is only read", "node_modules")
    .option("--out <dir>", "where the report and the execution tree are written", join(".agentwire", "demo"))
    .option("--keep", "keep the database for a look around afterwards", false)
    .description("Show a crew of agents at work: audit the packages of a folder, with one worker killed half way")
    .addHelpText("after", "\nExamples:\n  agentwire demo\n  agentwire demo ../other-project --keep\n")
    .action(async (folder: string, options: { out: string; keep: boolean }, command: Command) => {
      const { json } = command.optsWithGlobals<{ json: boolean }>();
      const output = standardOutput(json);
      const { report, files, url } = await conduct({ folder, ...options, progress: progressOn(process.stderr) });
      output.show({ ...report, files, ...(url === undefined ? {} : { url }) }, () => [
        ...showReport(report, output.style),
        `Execution tree: ${relative("", files.svg)} and ${relative("", files.dot)}; report: ${relative("", files.report)}`,
        ...(url === undefined ? [] : [`Look around: agentwire agents --url ${url}`]),
      ]);
    });
}

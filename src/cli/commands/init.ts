import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { AgentwireError } from "../../errors.ts";
import { packageVersion } from "../../package-version.ts";
import type { CommonOptions } from "../connection.ts";
import { projectFiles } from "../init/project-files.ts";
import { TEAMS } from "../init/role-presets.ts";
import { standardOutput } from "../output.ts";
import { plainText } from "../terminal/plain-text.ts";

/** `agentwire init [DIR]` */
export function initCommand(program: Command): void {
  program
    .command("init")
    .argument("[dir]", "a folder that does not exist yet, or is empty", ".")
    .addOption(new Option("--team <team>", "start with the roles of a team").choices(Object.keys(TEAMS)))
    .description("Make a new project that runs")
    .addHelpText("after", "\nExamples:\n  agentwire init my-agents\n  agentwire init my-company --team startup\n")
    .action(async (dir: string, options: { team?: string }, command: Command) => {
      const folder = resolve(dir);
      await checkEmpty(folder);
      const team = options.team === undefined ? undefined : TEAMS[options.team];
      const files = projectFiles({ name: packageName(folder), version: packageVersion(), team });
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        // "wx": whatever has come there meanwhile is not ours to replace.
        await writeFile(join(folder, path), text, { flag: "wx" });
      }
      const output = standardOutput(command.optsWithGlobals<CommonOptions>().json);
      output.show({ folder, files: Object.keys(files) }, () => [
        ...Object.keys(files).map((path) => `  ${path}`),
        "",
        `Made in ${plainText(folder)}. Next: cd ${plainText(dir)} && npm install && npm start`,
      ]);
    });
}

async function checkEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new AgentwireError("ARGUMENT_INVALID", `${folder} cannot be used: ${error.code}`, { hint: "Name a folder." });
  });
  if (found.some((name) => name !== ".git")) {
    throw new AgentwireError("ARGUMENT_INVALID", `${folder} is not empty`, {
      hint: "Name a new folder: agentwire init my-agents",
    });
  }
}

function packageName(folder: string): string {
  return (
    basename(folder)
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, "-")
      .replace(/^-+|-+$/g, "") || "agents"
  );
}

import type { Command } from "commander";
import { salvage } from "../../connect.ts";
import type { CommonOptions } from "../connection.ts";
import { standardOutput } from "../output.ts";

/** `agentwire salvage` */
export function salvageCommand(program: Command): void {
  program
    .command("salvage")
    .argument("<file>", "a database file; it may be damaged, and no program should have it open")
    .description("Write the messages that wait in a file as JSON lines, as far as they can be read; changes nothing")
    .addHelpText("after", "\nExamples:\n  agentwire salvage .agentwire/agentwire.db > messages.jsonl\n")
    .action(async (file: string, _options: unknown, command: Command) => {
      const output = standardOutput(command.optsWithGlobals<CommonOptions>().json);
      let count = 0;
      // What is written here is for programs, asked for or not.
      for await (const found of salvage(/^(?:sqlite|file):/i.test(file) ? file : `sqlite:${encodeURI(file)}`)) {
        if (!process.stdout.write(`${JSON.stringify(found)}\n`))
          await new Promise((resolve) => process.stdout.once("drain", resolve));
        count++;
      }
      output.remark(`${count} ${count === 1 ? "message was" : "messages were"} read`);
    });
}

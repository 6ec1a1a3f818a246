#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { demoCommand } from "./commands/demo.ts";
import { EXIT, exitCodeOf } from "./fault.ts";
import { tellError } from "./output.ts";

const program = new Command("agentwire")
  .description("Typed, durable messaging between agents")
  .option("--json", "write JSON for programs", false)
  .exitOverride()
  .showHelpAfterError("(add --help for help and examples)");

demoCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else {
    tellError(error, process.argv.includes("--json"));
    process.exitCode = exitCodeOf(error);
  }
}

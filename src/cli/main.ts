#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { packageVersion } from "../package-version.ts";
import { agentsCommand } from "./commands/agents.ts";
import { benchCommand } from "./commands/bench.ts";
import { channelsCommand } from "./commands/channels.ts";
import { deadLettersCommand } from "./commands/dead-letters.ts";
import { demoCommand } from "./commands/demo.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { inboxCommand } from "./commands/inbox.ts";
import { initCommand } from "./commands/init.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { replayCommand } from "./commands/replay.ts";
import { salvageCommand } from "./commands/salvage.ts";
import { schemaCommand } from "./commands/schema.ts";
import { publishCommand, requestCommand, sendCommand } from "./commands/sending.ts";
import { tailCommand } from "./commands/tail.ts";
import { traceCommand } from "./commands/trace.ts";
import { EXIT, EXIT_HELP, exitCodeOf } from "./fault.ts";
import { tellError } from "./output.ts";

const COMMANDS = [
  demoCommand,
  sendCommand,
  requestCommand,
  publishCommand,
  agentsCommand,
  channelsCommand,
  inboxCommand,
  deadLettersCommand,
  tailCommand,
  traceCommand,
  replayCommand,
  doctorCommand,
  salvageCommand,
  migrateCommand,
  benchCommand,
  schemaCommand,
  initCommand,
];

const program = new Command("agentwire")
  .version(packageVersion(), "-V, --version", "write the version of this package")
  .description("Typed, durable messaging between agents")
  .option("--json", "write JSON for programs", false)
  .option("--url <url>", "the engine; default: AGENTWIRE_URL, else sqlite:.agentwire/agentwire.db")
  .option(
    "--store <url>",
    "a second engine for the state, where the first carries messages only; default: AGENTWIRE_STORE",
  )
  .option("--namespace <name>", "which of several buses on the engine")
  .option("--tenant <name>", "which tenant of the namespace")
  .addHelpText("after", EXIT_HELP)
  .exitOverride()
  .showHelpAfterError("(add --help for help and examples)");

for (const add of COMMANDS) add(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else {
    tellError(error, process.argv.includes("--json"));
    process.exitCode = exitCodeOf(error);
  }
}

import type { Command } from "commander";
import { AgentwireError } from "../../errors.ts";
import { migrate } from "../../migration/index.ts";
import type { MigrationReport } from "../../migration/progress.ts";
import { type CommonOptions, refuseSecret } from "../connection.ts";
import { standardOutput } from "../output.ts";
import { plainText } from "../terminal/plain-text.ts";
import { progressOn } from "../terminal/progress.ts";

interface MigrateChoice {
  readonly force: boolean;
  readonly codec: "json" | "msgpack";
}

/** `agentwire migrate FROM TO` */
export function migrateCommand(program: Command): void {
  program
    .command("migrate")
    .argument("<from>", "URL of the engine that has the bus, or env:NAME for the variable that holds it")
    .argument("<to>", "URL of the engine that gets it, or env:NAME")
    .option("--force", "though others are connected to it, or it was carried before", false)
    .option("--codec <codec>", "how both keep messages: json or msgpack", "json")
    .description("Copy a bus to another engine: what waits, dead letters, registry, state, receipts and journal")
    .addHelpText(
      "after",
      "\nStarted again after an interruption it goes on, and puts nothing there twice.\n\nExamples:\n  agentwire migrate sqlite:.agentwire/agentwire.db env:NEW_URL\n",
    )
    .action(async (from: string, to: string, { force, codec }: MigrateChoice, command: Command) => {
      const { json, namespace, tenant } = command.optsWithGlobals<CommonOptions>();
      if (codec !== "json" && codec !== "msgpack")
        throw new AgentwireError("ARGUMENT_INVALID", "--codec must be json or msgpack");
      const progress = progressOn(process.stderr);
      let told = "";
      const report = await migrate(urlOf(from), urlOf(to), {
        force,
        codec,
        ...(namespace === undefined ? {} : { namespace }),
        ...(tenant === undefined ? {} : { tenant }),
        onProgress: ({ step, name, done }) => {
          if (json) return;
          if (step !== told) progress.step(`carrying ${step}`);
          told = step;
          progress.update(plainText(`${step}: ${done}, ${name}`));
        },
      }).finally(() => json || progress.end());
      standardOutput(json).show(report, () => summary(report));
    });
}

function urlOf(argument: string): string {
  const variable = /^env:(.+)$/.exec(argument)?.[1];
  if (variable === undefined) {
    refuseSecret(argument, "Put the URL into an environment variable, and name it: env:NAME.");
    return argument;
  }
  const url = process.env[variable];
  if (url) return url;
  throw new AgentwireError("ARGUMENT_INVALID", `The environment variable ${variable} is not set`);
}

function summary({ values, entries, messages, messagesThereBefore, inboxesLeft, attempts }: MigrationReport): string[] {
  const before = messagesThereBefore === 0 ? "" : `, ${messagesThereBefore} of them by a run before`;
  return [
    `${messages} waiting messages were carried${before}; ${values} values; ${entries} entries of logs`,
    ...(attempts ? [] : ["Attempts are counted anew there."]),
    ...(inboxesLeft.length === 0
      ? []
      : [`${inboxesLeft.length} inboxes of replies were left: their processes are gone.`]),
  ];
}

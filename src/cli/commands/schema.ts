import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import type { AgentDefinition } from "../../agent/definition.ts";
import { AgentwireError } from "../../errors.ts";
import { type ContractedAgent, type Contracts, compareContracts, contractsOf } from "../../message/contracts.ts";
import type { MessageType } from "../../message/index.ts";
import type { CommonOptions } from "../connection.ts";
import { EXIT } from "../fault.ts";
import { standardOutput } from "../output.ts";
import { plainText } from "../terminal/plain-text.ts";

const SNAPSHOT = "agentwire.contracts.json";

/** `agentwire schema export|check MODULE` */
export function schemaCommand(program: Command): void {
  const schema = program
    .command("schema")
    .description("Write down what message types promise, and find what breaks it");
  schema
    .command("export")
    .argument("<module>", "a module that exports message types and agent definitions")
    .option("-o, --out <file>", "where the snapshot is written", SNAPSHOT)
    .description("Save the contracts of a module's message types and agents")
    .addHelpText("after", "\nExamples:\n  agentwire schema export ./dist/messages.js\n")
    .action(async (module: string, options: { out: string }, command: Command) => {
      const contracts = await contractsIn(module);
      await writeFile(options.out, `${JSON.stringify(contracts, null, 2)}\n`);
      const counts = { types: Object.keys(contracts.types).length, agents: Object.keys(contracts.agents).length };
      outputOf(command).show({ file: options.out, ...counts }, () => [
        `${counts.types} message types and ${counts.agents} agents are written down in ${options.out}`,
      ]);
    });
  schema
    .command("check")
    .argument("<module>", "a module that exports message types and agent definitions")
    .option("--against <file>", "the saved snapshot", SNAPSHOT)
    .description("Compare them with a saved snapshot; exits with 1 when something breaks")
    .addHelpText("after", "\nExamples:\n  agentwire schema check ./dist/messages.js --json\n")
    .action(async (module: string, options: { against: string }, command: Command) => {
      const output = outputOf(command);
      const changes = compareContracts(await readSnapshot(options.against), await contractsIn(module));
      output.show({ changes }, () =>
        changes.length === 0
          ? ["Nothing has changed."]
          : changes.map(
              ({ breaking, where, change }) =>
                `${breaking ? output.style.bad("breaks") : output.style.good("fits  ")} ${plainText(where)}: ${plainText(change)}`,
            ),
      );
      if (changes.some((change) => change.breaking)) process.exitCode = EXIT.failed;
    });
}

function outputOf(command: Command) {
  return standardOutput(command.optsWithGlobals<CommonOptions>().json);
}

async function readSnapshot(file: string): Promise<Contracts> {
  try {
    const snapshot = JSON.parse(await readFile(file, "utf8")) as Contracts;
    if (typeof snapshot.types === "object" && typeof snapshot.agents === "object") return snapshot;
  } catch {
    // Told below, together with files that hold something else.
  }
  throw new AgentwireError("ARGUMENT_INVALID", `${file} is no snapshot of contracts`, {
    hint: "Write one with `agentwire schema export MODULE`.",
  });
}

async function contractsIn(module: string): Promise<Contracts> {
  const path = resolve(module);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new AgentwireError("ARGUMENT_INVALID", `The module ${path} cannot be loaded: ${(cause as Error).message}`, {
      cause,
      hint: "Name a module that Node can import; run TypeScript with `node --import tsx`.",
    });
  }
  const values = Object.values(exported);
  const types = values.filter(isMessageType);
  const agents = values.filter(isDefinition).map(contractedAgent);
  if (types.length + agents.length === 0) {
    throw new AgentwireError(
      "ARGUMENT_INVALID",
      `The module ${path} exports no message types and no agent definitions`,
      { hint: "Export what defineMessage and defineAgent return." },
    );
  }
  return contractsOf({ types, agents });
}

function isMessageType(value: unknown): value is MessageType {
  return typeof value === "object" && value !== null && "~compiled" in value;
}

function isDefinition(value: unknown): value is AgentDefinition<string, unknown, unknown> {
  return typeof value === "object" && value !== null && "~parts" in value && "on" in value;
}

function contractedAgent({
  name,
  "~parts": { spec, handlers },
}: AgentDefinition<string, unknown, unknown>): ContractedAgent {
  const handled = [...handlers.values()].map((entry) => entry.type);
  return { name, receives: [...handled, ...(spec.receives ?? [])], sends: spec.sends ?? [] };
}

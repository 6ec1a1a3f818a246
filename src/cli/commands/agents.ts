import type { Command } from "commander";
import type { AgentFilter } from "../../registry/record.ts";
import { readWhere } from "../address.ts";
import { withBus } from "../connection.ts";
import { table } from "../terminal/table.ts";

/** `agentwire agents [WHERE]` */
export function agentsCommand(program: Command): void {
  program
    .command("agents")
    .argument("[where]", "only those that match, such as role=worker,region=eu")
    .option("--type <type>", "only those that take this message type")
    .description("List the agents that are known")
    .addHelpText(
      "after",
      "\nExamples:\n  agentwire agents\n  agentwire agents department=sales --json\n  agentwire agents --type invoice.created\n",
    )
    .action(async (where: string | undefined, options: { type?: string }, command: Command) => {
      const filter: AgentFilter = {
        ...(where === undefined ? {} : readWhere(where)),
        ...(options.type === undefined ? {} : { type: options.type }),
      };
      await withBus(command, async (bus, output) => {
        const agents = await bus.agents.find(filter);
        output.show(agents, () =>
          agents.length === 0
            ? ["No agent is known."]
            : table(
                [
                  { title: "agent" },
                  { title: "status" },
                  { title: "role" },
                  { title: "department" },
                  { title: "capabilities" },
                  { title: "instances", right: true },
                  { title: "load", right: true },
                  { title: "takes" },
                ],
                agents.map((agent) => [
                  agent.name,
                  agent.status,
                  agent.role ?? "",
                  agent.department ?? "",
                  agent.capabilities.map((capability) => capability.name).join(" "),
                  agent.instances.length,
                  agent.load.toFixed(1),
                  shortList(agent.receives.filter((type) => !type.startsWith("agentwire."))),
                ]),
              ),
        );
      });
    });
}

function shortList(names: readonly string[]): string {
  return names.length <= 3 ? names.join(" ") : `${names.slice(0, 3).join(" ")} +${names.length - 3}`;
}

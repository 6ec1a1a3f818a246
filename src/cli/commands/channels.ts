import type { Command } from "commander";
import { withBus } from "../connection.ts";
import { table } from "../terminal/table.ts";

/** `agentwire channels` */
export function channelsCommand(program: Command): void {
  program
    .command("channels")
    .description("List the channels that there are, with their subscribers and routes")
    .addHelpText("after", "\nExamples:\n  agentwire channels\n  agentwire channels --json\n")
    .action(async (_options: object, command: Command) => {
      await withBus(command, async (bus, output) => {
        const channels = await bus.channels.list();
        output.show(channels, () =>
          channels.length === 0
            ? ["There are no channels."]
            : table(
                [
                  { title: "channel" },
                  { title: "active" },
                  { title: "waiting", right: true },
                  { title: "subscribers" },
                  { title: "routes to" },
                ],
                channels.map((channel) => [
                  channel.name,
                  channel.active ? "yes" : "no",
                  channel.waiting,
                  channel.subscribers.join(" "),
                  channel.routes.join(" "),
                ]),
              ),
        );
      });
    });
}

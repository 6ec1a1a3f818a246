import { type Command, InvalidArgumentError } from "commander";
import type { Replayed } from "../../bus/journal-api.ts";
import type { Bus } from "../../connected-bus.ts";
import { AgentwireError } from "../../errors.ts";
import type { HistoryFilter } from "../../observe/journal-entry.ts";
import { withBus, withOther } from "../connection.ts";
import { EXIT } from "../fault.ts";
import { plainText } from "../terminal/plain-text.ts";

interface ReplayChoice {
  readonly conversation?: string;
  readonly agent?: string;
  readonly channel?: string;
  readonly type?: string;
  readonly from?: number;
  readonly to?: number;
  readonly speed?: number;
  readonly into?: string;
}

/** `agentwire replay` */
export function replayCommand(program: Command): void {
  program
    .command("replay")
    .option("--conversation <id>", "only this conversation")
    .option("--agent <agent>", "only what an agent sent or got")
    .option("--channel <channel>", "only what was published to a channel")
    .option("--type <type>", "only this message type")
    .option("--from <time>", "from this time on, such as 2027-01-31T08:00:00Z", time)
    .option("--to <time>", "up to this time", time)
    .option("--speed <factor>", "as a multiple of the recorded speed; default: at once", factor)
    .option("--into <url>", "to the agents of the same names on another bus")
    .description(
      "Send recorded messages again to those who got them, as new messages; needs `history: true` where they were sent",
    )
    .addHelpText(
      "after",
      "\nMessages that were caused by others are left out: the handlers send them again.\n\nExamples:\n  agentwire replay --agent billing --from 2027-01-31T08:00:00Z\n  agentwire replay --channel orders --into sqlite:trial.db\n",
    )
    .action(async (options: ReplayChoice, command: Command) => {
      const { speed, into, ...filter } = options;
      if (Object.keys(filter).length === 0) {
        throw new AgentwireError(
          "ARGUMENT_INVALID",
          "Say which messages: --conversation, --agent, --channel, --type, --from or --to",
        );
      }
      await withBus(
        command,
        async (bus, output) => {
          const done: Replayed[] = [];
          const replay = async (other?: Bus): Promise<void> => {
            const how = { ...(speed === undefined ? {} : { speed }), ...(other === undefined ? {} : { into: other }) };
            for await (const one of bus.journal.replay(filter as HistoryFilter, how)) done.push(one);
          };
          await (into === undefined ? replay() : withOther(into, command, replay));
          const failed = done.filter((one) => one.error !== undefined).length;
          output.show(done, () => [
            ...done.map((one) =>
              plainText(
                `${one.id} ${one.type} -> ${one.recipients.join(" ")}: ${one.error ?? `again as ${one.newId}`}`,
              ),
            ),
            `${done.length - failed} sent again${failed === 0 ? "" : `, ${failed} not`}`,
          ]);
          if (failed > 0) process.exitCode = EXIT.failed;
        },
        { history: true },
      );
    });
}

function time(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError("It must be a time such as 2027-01-31T08:00:00Z.");
  return at;
}

function factor(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}

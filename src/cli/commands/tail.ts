import type { Command } from "commander";
import type { ForeignEvent } from "../../bus/event-bridge.ts";
import { type Duration, parseDuration } from "../../message/duration.ts";
import type { BusEvent } from "../../observe/events.ts";
import { withBus } from "../connection.ts";
import { plainText } from "../terminal/plain-text.ts";
import { wholeNumber } from "../whole-number.ts";

interface TailOptions {
  readonly event?: string;
  readonly agent?: string;
  readonly conversation?: string;
  readonly limit?: number;
  readonly for?: string;
}

/** `agentwire tail` */
export function tailCommand(program: Command): void {
  program
    .command("tail")
    .option("--event <name>", "only events whose name begins so, such as message.dead-lettered")
    .option("--agent <agent>", "only what an agent sends or gets")
    .option("--conversation <id>", "only this conversation")
    .option("--limit <count>", "stop after so many", wholeNumber(1, 1_000_000_000))
    .option("--for <duration>", "stop after so long, such as 30s; default: when interrupted")
    .description("Follow the events of all processes on the bus as they happen; some may be missed under load")
    .addHelpText(
      "after",
      "\nExamples:\n  agentwire tail\n  agentwire tail --event message.dead-lettered --json\n  agentwire tail --agent billing --for 1m\n",
    )
    .action(async (options: TailOptions, command: Command) => {
      const time =
        options.for === undefined ? undefined : parseDuration(options.for as Duration, { name: "--for", min: 1 });
      await withBus(command, async (bus, output) => {
        let left = options.limit ?? Number.POSITIVE_INFINITY;
        const stop = bus.events.onEverywhere((foreign) => {
          if (left <= 0 || !fits(foreign.event, options)) return;
          output.show({ instance: foreign.instance, ...foreign.event }, () => [line(foreign)]);
          if (--left <= 0) void bus.close();
        });
        const timer = time === undefined ? undefined : setTimeout(() => void bus.close(), time);
        output.remark("Following events; stop with Ctrl+C.");
        await bus.untilShutdown();
        clearTimeout(timer);
        stop();
      });
    });
}

function fits(event: BusEvent, { event: name, agent, conversation }: TailOptions): boolean {
  const fields = { ...event } as Readonly<Record<string, unknown>>;
  if (name !== undefined && !event.type.startsWith(name)) return false;
  if (conversation !== undefined && fields["conversation"] !== conversation) return false;
  if (agent === undefined) return true;
  const recipients = Array.isArray(fields["recipients"]) ? fields["recipients"] : [];
  return [fields["from"], fields["recipient"], fields["agent"], ...recipients].includes(agent);
}

function line({ event }: ForeignEvent): string {
  const fields = { ...event } as Readonly<Record<string, unknown>>;
  const text = (name: string): string => (typeof fields[name] === "string" ? (fields[name] as string) : "");
  const recipients = Array.isArray(fields["recipients"]) ? fields["recipients"].join(" ") : text("recipient");
  const time = new Date(event.at).toISOString().slice(11, 23);
  const parts = [
    time,
    event.type.padEnd(21),
    text("message"),
    recipients === "" ? text("from") || text("agent") || text("driver") : `${text("from")} -> ${recipients}`,
    text("id"),
    text("status") || text("reason"),
  ];
  return plainText(parts.filter((part) => part !== "").join("  "));
}

import { type Command, Option } from "commander";
import type { InboxStatus } from "../../broker/inbox.ts";
import { AgentwireError } from "../../errors.ts";
import { ENDS } from "../../message/receipt-record.ts";
import { withBus } from "../connection.ts";
import type { Output } from "../output.ts";
import { age } from "../terminal/age.ts";
import { table } from "../terminal/table.ts";
import { wholeNumber } from "../whole-number.ts";

interface InboxChoice {
  readonly peek: number;
  readonly payload: boolean;
  readonly pause?: true;
  readonly resume?: true;
  readonly purge?: true;
}

/** `agentwire inbox [NAME]` */
export function inboxCommand(program: Command): void {
  program
    .command("inbox")
    .argument("[name]", "an agent's name; without one, all inboxes")
    .option("--peek <count>", "how many waiting messages are shown", wholeNumber(0, 1_000), 10)
    .option("--payload", "show what is in them", false)
    .addOption(new Option("--pause", "hand nothing out of it until it is resumed").conflicts(["resume", "purge"]))
    .addOption(new Option("--resume", "hand out again").conflicts("purge"))
    .option("--purge", "drop all that waits in it")
    .description("Show what waits in an inbox, and take nothing from it; or pause, resume or purge it")
    .addHelpText(
      "after",
      "\nExamples:\n  agentwire inbox\n  agentwire inbox billing --peek 50 --payload\n  agentwire inbox billing --pause\n",
    )
    .action(async (name: string | undefined, options: InboxChoice, command: Command) => {
      const changes = options.pause || options.resume || options.purge;
      if (name === undefined && changes) throw new AgentwireError("ARGUMENT_INVALID", "Say which inbox");
      await withBus(command, async (bus, output) => {
        if (name === undefined) return showAll(await bus.inboxes.list(), output);
        if (options.pause) await bus.inboxes.pause(name);
        if (options.resume) await bus.inboxes.resume(name);
        if (options.purge) {
          const dropped = await bus.inboxes.purge(name);
          return output.show({ inbox: name, dropped }, () => [`${dropped} dropped from ${name}`]);
        }
        const inbox = await bus.inboxes.get(name, { peek: options.peek });
        if (!inbox)
          throw new AgentwireError("AGENT_NOT_FOUND", `There is no inbox "${name}"`, {
            details: { agent: name, suggestions: [] },
            hint: "List them with `agentwire inbox`.",
          });
        showOne(inbox, options.payload, output);
      });
    });
}

function showAll(inboxes: readonly InboxStatus[], output: Output): void {
  output.show(inboxes, () =>
    inboxes.length === 0
      ? ["There is no inbox."]
      : table(
          [
            { title: "inbox" },
            ...["waiting", "held", "delayed", "accepted", ...ENDS].map((title) => ({ title, right: true })),
            { title: "oldest", right: true },
          ],
          inboxes.map((one) => [
            one.paused ? `${one.name} (paused)` : one.name,
            one.waiting,
            one.held,
            one.delayed,
            one.accepted,
            ...ENDS.map((end) => one.ended[end]),
            one.oldest === undefined ? "" : age(one.oldest),
          ]),
        ),
  );
}

function showOne(inbox: InboxStatus, payload: boolean, output: Output): void {
  output.show(inbox, () => [
    `${inbox.name}: ${inbox.waiting} waiting (${inbox.held} held, ${inbox.delayed} not yet due), ${inbox.accepted} accepted, ${inbox.consumers} consumers${inbox.paused ? ", paused" : ""}`,
    ...((inbox.messages?.length ?? 0) === 0
      ? []
      : table(
          [
            { title: "id" },
            { title: "type" },
            { title: "from" },
            { title: "priority" },
            { title: "state" },
            { title: "hand-offs", right: true },
            { title: "age", right: true },
            ...(payload ? [{ title: "payload" }] : []),
          ],
          (inbox.messages ?? []).map(({ message, state, attempt, priority }) => [
            message.id,
            message.type,
            message.from,
            priority,
            state,
            attempt,
            age(message.createdAt),
            ...(payload ? [JSON.stringify(message.payload)] : []),
          ]),
        )),
  ]);
}

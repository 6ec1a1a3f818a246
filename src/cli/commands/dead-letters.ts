import type { Command } from "commander";
import type { DeadLetterFilter, DeadLetters } from "../../bus/dead-letters.ts";
import { AgentwireError } from "../../errors.ts";
import { withBus } from "../connection.ts";
import { readPayload } from "../payload.ts";
import { age } from "../terminal/age.ts";
import { plainText } from "../terminal/plain-text.ts";
import { table } from "../terminal/table.ts";
import { wholeNumber } from "../whole-number.ts";

interface Choice {
  readonly agent?: string;
  readonly type?: string;
  readonly code?: string;
  readonly limit: number;
  readonly all: boolean;
  readonly file?: string;
}

/** `agentwire dead-letters list|show|replay|discard` */
export function deadLettersCommand(program: Command): void {
  const letters = program
    .command("dead-letters")
    .description("Messages given up on: look at them, send them again, or throw them away");
  choosing(letters.command("list"))
    .description("List them")
    .addHelpText("after", "\nExamples:\n  agentwire dead-letters list --agent billing --code HANDLER_FAILED\n")
    .action(async (options: Choice, command: Command) => {
      await withBus(command, async (bus, output) => {
        const found = await bus.deadLetters.list(filterOf(options));
        output.show(found, () =>
          found.length === 0
            ? ["There are no dead letters."]
            : table(
                [
                  { title: "id" },
                  { title: "agent" },
                  { title: "type" },
                  { title: "code" },
                  { title: "attempts", right: true },
                  { title: "age", right: true },
                  { title: "reason" },
                ],
                found.map((one) => [
                  one.message.id,
                  one.recipient,
                  one.message.type,
                  one.code,
                  one.attempts.length,
                  age(one.at),
                  one.reason,
                ]),
              ),
        );
      });
    });
  letters
    .command("show")
    .argument("<id>", "the message's id")
    .option("--agent <agent>", "whose copy, where several agents gave it up")
    .description("Show one with its payload and the errors of each attempt")
    .action(async (id: string, options: { agent?: string }, command: Command) => {
      await withBus(command, async (bus, output) => {
        const letter = await bus.deadLetters.get(id, options.agent);
        if (!letter) throw unknownLetter(id);
        output.show(letter, () => JSON.stringify(letter, null, 2).split("\n").map(plainText));
      });
    });
  choosing(letters.command("replay").argument("[id]", "the message's id"))
    .option("--all", "all that match", false)
    .option("-f, --file <file>", "send it with this payload instead")
    .description("Send one again, or all that match, as new messages")
    .addHelpText(
      "after",
      "\nExamples:\n  agentwire dead-letters replay 0198c2b2-...\n  agentwire dead-letters replay --all --agent billing\n",
    )
    .action(async (id: string | undefined, options: Choice, command: Command) => {
      const payload =
        options.file === undefined ? undefined : await readPayload({ text: undefined, file: options.file });
      await withBus(command, async (bus, output) => {
        const done: { id: string; agent: string; newId: string }[] = [];
        for (const letter of await chosen(bus.deadLetters, id, options)) {
          const receipt = await bus.deadLetters.replay(letter.message.id, {
            agent: letter.recipient,
            ...(payload === undefined ? {} : { payload }),
          });
          done.push({ id: letter.message.id, agent: letter.recipient, newId: receipt.id });
        }
        output.show(done, () => [
          ...done.map((one) => `${one.id} was sent to ${one.agent} again as ${one.newId}`),
          `${done.length} sent again`,
        ]);
      });
    });
  choosing(letters.command("discard").argument("[id]", "the message's id"))
    .option("--all", "all that match", false)
    .description("Throw one away, or all that match")
    .action(async (id: string | undefined, options: Choice, command: Command) => {
      await withBus(command, async (bus, output) => {
        const done: string[] = [];
        for (const letter of await chosen(bus.deadLetters, id, options)) {
          if (await bus.deadLetters.discard(letter.message.id, letter.recipient)) done.push(letter.message.id);
        }
        output.show({ discarded: done }, () => [`${done.length} thrown away`]);
      });
    });
}

function choosing(command: Command): Command {
  return command
    .option("--agent <agent>", "only of this agent")
    .option("--type <type>", "only of this message type")
    .option("--code <code>", "only with this error code")
    .option("--limit <count>", "at most so many", wholeNumber(1, 1_000_000), 1_000);
}

function filterOf({ agent, type, code, limit }: Choice): DeadLetterFilter {
  return {
    limit,
    ...(agent === undefined ? {} : { agent }),
    ...(type === undefined ? {} : { type }),
    ...(code === undefined ? {} : { code }),
  };
}

async function chosen(letters: DeadLetters, id: string | undefined, options: Choice) {
  if ((id === undefined) !== options.all)
    throw new AgentwireError("ARGUMENT_INVALID", "Name one message, or choose several with --all");
  if (id === undefined) return letters.list(filterOf(options));
  const letter = await letters.get(id, options.agent);
  if (!letter) throw unknownLetter(id);
  return [letter];
}

function unknownLetter(id: string): AgentwireError {
  return new AgentwireError("UNKNOWN_DELIVERY", `There is no dead letter of message ${id}`, {
    hint: "List them with `agentwire dead-letters list`.",
  });
}

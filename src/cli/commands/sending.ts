import { type Command, Option } from "commander";
import type { Receipt } from "../../bus/receipt.ts";
import type { MessageOptions } from "../../bus/sending.ts";
import { AgentwireError } from "../../errors.ts";
import type { Duration } from "../../message/duration.ts";
import { PRIORITIES, type Priority } from "../../message/envelope.ts";
import { readAddress } from "../address.ts";
import { withBus } from "../connection.ts";
import type { Output } from "../output.ts";
import { readPayload } from "../payload.ts";
import { plainText } from "../terminal/plain-text.ts";
import { typeByName } from "../type-by-name.ts";

interface SendingOptions {
  readonly file?: string;
  readonly priority?: Priority;
  readonly ttl?: string;
  readonly delay?: string;
  readonly idempotencyKey?: string;
  readonly conversation?: string;
}

interface SendOptions extends SendingOptions {
  readonly hold: boolean;
  readonly wait: boolean;
  readonly timeout: string;
}

const PAYLOAD = "the payload as JSON; - reads it from standard input";

/** `agentwire send AGENT TYPE [JSON]` */
export function sendCommand(program: Command): void {
  sending(program.command("send").argument("<agent>", "the agent's name, or role=..., department=..., capability=..."))
    .option("--hold", "keep the message if nobody of that name is known yet", false)
    .option("--wait", "wait until the message has come to its end", false)
    .option("--timeout <duration>", "how long to wait", "30s")
    .description("Send a message to one agent")
    .addHelpText(
      "after",
      `\nExamples:\n  agentwire send billing invoice.created '{"id":7}'\n  agentwire send role=cso report.wanted --file report.json --wait\n`,
    )
    .action(async (agent: string, type: string, text: string | undefined, options: SendOptions, command: Command) => {
      const payload = await readPayload({ text, file: options.file });
      const to = readAddress(agent);
      const message = typeByName(type);
      await withBus(command, async (bus, output) => {
        const receipt = await bus.send(message, payload, {
          ...messageOptions(options),
          to,
          ifUnknown: options.hold ? "hold" : "fail",
        });
        if (options.wait) return showEnd(receipt, options.timeout, output);
        showReceipt(receipt, output);
      });
    });
}

/** `agentwire publish CHANNEL TYPE [JSON]` */
export function publishCommand(program: Command): void {
  sending(program.command("publish").argument("<channel>", "the channel's name"))
    .description("Publish a message to a channel: one copy for every subscriber that takes its type")
    .addHelpText("after", `\nExamples:\n  agentwire publish orders.eu order.placed '{"id":7}'\n`)
    .action(
      async (channel: string, type: string, text: string | undefined, options: SendingOptions, command: Command) => {
        const payload = await readPayload({ text, file: options.file });
        const message = typeByName(type);
        await withBus(command, async (bus, output) =>
          showReceipt(await bus.publish(message, payload, { ...messageOptions(options), channel }), output),
        );
      },
    );
}

/** `agentwire request AGENT TYPE [JSON]` */
export function requestCommand(program: Command): void {
  sending(
    program.command("request").argument("<agent>", "the agent's name, or role=..., department=..., capability=..."),
  )
    .option("--timeout <duration>", "how long to wait for the reply", "30s")
    .description("Send a message and print the reply")
    .addHelpText(
      "after",
      `\nExamples:\n  agentwire request greeter greet '{"name":"Ada"}'\n  agentwire request capability=explain agentwire.status --timeout 5s --json\n`,
    )
    .action(async (agent: string, type: string, text: string | undefined, options: SendOptions, command: Command) => {
      const payload = await readPayload({ text, file: options.file });
      const to = readAddress(agent);
      const message = typeByName(type);
      await withBus(command, async (bus, output) => {
        const reply = await bus.request(message, payload, {
          ...messageOptions(options),
          to,
          timeout: options.timeout as Duration,
        });
        output.show(reply, () => JSON.stringify(reply, null, 2).split("\n").map(plainText));
      });
    });
}

function sending(command: Command): Command {
  return command
    .argument("<type>", "the name of the message type")
    .argument("[json]", PAYLOAD)
    .option("-f, --file <file>", "read the payload from a file with JSON")
    .addOption(new Option("-p, --priority <priority>", "how urgent it is").choices([...PRIORITIES]))
    .option("--ttl <duration>", "time to live, such as 30s")
    .option("--delay <duration>", "hold it back for so long")
    .option("--idempotency-key <key>", "a second message with this key is not sent")
    .option("--conversation <id>", "the conversation it belongs to");
}

function messageOptions({ priority, ttl, delay, idempotencyKey, conversation }: SendingOptions): MessageOptions {
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(ttl === undefined ? {} : { ttl: ttl as Duration }),
    ...(delay === undefined ? {} : { delay: delay as Duration }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(conversation === undefined ? {} : { conversation }),
  };
}

function showReceipt({ id, recipients, duplicate }: Receipt, output: Output): void {
  output.show({ id, recipients, duplicate }, () => [
    `${id} ${duplicate ? "was sent before" : "is stored"} for ${recipients.length === 0 ? "nobody: no agent is subscribed" : recipients.join(", ")}`,
  ]);
}

async function showEnd(receipt: Receipt, timeout: string, output: Output): Promise<void> {
  const state = await receipt.settled({ timeout: timeout as Duration });
  output.show(state, () => Object.entries(state.ends).map(([agent, end]) => `${receipt.id} ${end} by ${agent}`));
  const bad = Object.entries(state.ends).find(([, end]) => end !== "acknowledged");
  if (bad) {
    const reason = state.steps.findLast((step) => step.recipient === bad[0] && step.reason !== undefined)?.reason;
    throw new AgentwireError(
      "REMOTE_FAILED",
      `The message to ${bad[0]} ended as ${bad[1]}${reason === undefined ? "" : `: ${reason}`}`,
      {
        details: { id: receipt.id, from: bad[0], code: bad[1], message: reason ?? bad[1] },
        hint: "Look at it with `agentwire dead-letters list`.",
      },
    );
  }
}

import type { Command } from "commander";
import { AgentwireError } from "../../errors.ts";
import { traceDot } from "../../observe/trace-dot.ts";
import { traceMermaid } from "../../observe/trace-mermaid.ts";
import { traceSvg } from "../../observe/trace-svg.ts";
import { traceText } from "../../observe/trace-text.ts";
import { withBus } from "../connection.ts";
import { EXIT } from "../fault.ts";
import { plainText } from "../terminal/plain-text.ts";

interface TraceOptions {
  readonly svg: boolean;
  readonly dot: boolean;
  readonly mermaid: boolean;
}

/** `agentwire trace CONVERSATION` */
export function traceCommand(program: Command): void {
  program
    .command("trace")
    .argument("<conversation>", "the conversation's id: that of its first message")
    .option("--svg", "as an SVG picture", false)
    .option("--dot", "as DOT, for Graphviz", false)
    .option("--mermaid", "as Mermaid, for Markdown", false)
    .description("Show who handled what because of what; needs `history: true` where the messages were sent")
    .addHelpText(
      "after",
      "\nExamples:\n  agentwire trace 0198c2b2-...\n  agentwire trace 0198c2b2-... --svg > tree.svg\n",
    )
    .action(async (conversation: string, { svg, dot, mermaid }: TraceOptions, command: Command) => {
      if (Number(svg) + Number(dot) + Number(mermaid) > 1)
        throw new AgentwireError("ARGUMENT_INVALID", "Choose one of --svg, --dot and --mermaid");
      await withBus(command, async (bus, output) => {
        const trace = await bus.journal.trace(conversation);
        if (trace.messages === 0) process.exitCode = EXIT.failed;
        const draw = svg ? traceSvg : dot ? traceDot : mermaid ? traceMermaid : traceText;
        output.show(trace, () => {
          if (trace.messages === 0)
            return [`Nothing of conversation ${plainText(conversation)} is kept. Is \`history\` on?`];
          return draw(trace).trimEnd().split("\n");
        });
      });
    });
}

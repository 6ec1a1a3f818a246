import { type Trace, walk } from "./trace.ts";
import { deliveryLabel, messageLabel, plainLabel } from "./trace-labels.ts";

const MARKS = {
  acknowledged: "✓",
  "dead-lettered": "✗",
  expired: "✗",
  dropped: "✗",
  superseded: "–",
  withdrawn: "–",
  waiting: "…",
  running: "▶",
};

/** The execution tree as lines for a terminal. */
export function traceText(trace: Trace): string {
  const took = trace.startedAt === undefined ? 0 : (trace.lastAt ?? trace.startedAt) - trace.startedAt;
  const lines = [
    `${plainLabel(trace.conversation)}: ${trace.messages} message${trace.messages === 1 ? "" : "s"}, ${Math.round(took)} ms`,
  ];
  for (const { node, isLast } of walk(trace.roots)) {
    const before = isLast
      .slice(0, -1)
      .map((last) => (last ? "   " : "│  "))
      .join("");
    const last = isLast.at(-1) ?? true;
    lines.push(`${before}${last ? "└─ " : "├─ "}${messageLabel(node)}`);
    const below = `${before}${last ? "   " : "│  "}${node.children.length > 0 ? "│  " : "   "}`;
    for (const delivery of node.deliveries) lines.push(`${below}${MARKS[delivery.outcome]} ${deliveryLabel(delivery)}`);
  }
  return `${lines.join("\n")}\n`;
}

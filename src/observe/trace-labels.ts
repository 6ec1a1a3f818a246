import type { TraceDelivery, TraceNode } from "./trace.ts";

const LONGEST = 80;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Names come from anyone: one line, without control characters, of at most 80 characters. */
export function plainLabel(text: string): string {
  const line = text.slice(0, LONGEST + 1).replace(CONTROLS, "\ufffd");
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}

/** What a message is: its type and sender. */
export function messageLabel(node: TraceNode): string {
  const way = node.channel === undefined ? "" : ` on ${node.channel}`;
  return plainLabel(`${node.type} from ${node.from}${way}`);
}

/** What became of a copy: recipient, outcome, time taken, attempts. */
export function deliveryLabel(delivery: TraceDelivery): string {
  const { recipient, outcome, duration, attempts, reason } = delivery;
  const took = duration === undefined ? "" : ` in ${Math.round(duration)} ms`;
  const tries = attempts > 1 ? `, ${attempts} attempts` : "";
  const why = reason === undefined ? "" : `: ${reason}`;
  return `${plainLabel(recipient)} ${outcome}${took}${tries}${plainLabel(why)}`;
}

/** Whether all copies ended well, any did not, or some are under way. */
export function nodeState(node: TraceNode): "done" | "failed" | "open" {
  if (
    node.deliveries.some(({ outcome }) => outcome === "dead-lettered" || outcome === "expired" || outcome === "dropped")
  )
    return "failed";
  return node.deliveries.some(({ outcome }) => outcome === "waiting" || outcome === "running") ? "open" : "done";
}

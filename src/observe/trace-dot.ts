import { type Trace, walk } from "./trace.ts";
import { deliveryLabel, messageLabel, nodeState } from "./trace-labels.ts";

const COLOURS = { done: "#2e7d32", failed: "#c62828", open: "#f9a825" };

/** The execution tree in Graphviz's language: one node for each message, one edge for each cause. Names are quoted text, never markup or links. */
export function traceDot(trace: Trace): string {
  const names = new Map<string, string>();
  const lines = ["digraph trace {", '  node [shape=box, style=rounded, fontname="sans-serif"];'];
  for (const { node, parent } of walk(trace.roots)) {
    const name = `n${names.size}`;
    names.set(node.id, name);
    const label = [messageLabel(node), ...node.deliveries.map(deliveryLabel)].map(escaped).join("\\n");
    lines.push(`  ${name} [label="${label}", color="${COLOURS[nodeState(node)]}"];`);
    if (parent) lines.push(`  ${names.get(parent.id)} -> ${name};`);
  }
  return `${lines.join("\n")}\n}\n`;
}

/** Graphviz reads `\N` and the like in labels, and `&lt;` as an entity: backslashes are doubled, ampersands written out. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("\\", "\\\\").replaceAll('"', '\\"');
}

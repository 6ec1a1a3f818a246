import { type Trace, walk } from "./trace.ts";
import { deliveryLabel, messageLabel, nodeState } from "./trace-labels.ts";

/** The execution tree as a Mermaid flow chart. */
export function traceMermaid(trace: Trace): string {
  const names = new Map<string, string>();
  const lines = ["flowchart TD"];
  for (const { node, parent } of walk(trace.roots)) {
    const name = `n${names.size}`;
    names.set(node.id, name);
    const label = [messageLabel(node), ...node.deliveries.map(deliveryLabel)].map(escaped).join("<br/>");
    lines.push(`  ${name}["${label}"]:::${nodeState(node)}`);
    if (parent) lines.push(`  ${names.get(parent.id)} --> ${name}`);
  }
  lines.push("  classDef done stroke:#2e7d32", "  classDef failed stroke:#c62828", "  classDef open stroke:#f9a825");
  return `${lines.join("\n")}\n`;
}

/** Everything but letters, digits and plain punctuation as a character's number, which Mermaid shows as text. */
function escaped(text: string): string {
  return text.replace(/[^\p{L}\p{N} .,:_\-/…✓]/gu, (mark) => `#${mark.codePointAt(0)};`);
}

import { type Trace, type TraceNode, walk } from "./trace.ts";
import { deliveryLabel, messageLabel, nodeState, plainLabel } from "./trace-labels.ts";

const COLOURS = { done: "#2e7d32", failed: "#c62828", open: "#f9a825" };
const CHARACTER = 7;
const LINE = 18;
const PADDING = 10;
const INDENT = 40;
const GAP = 14;
const MARGIN = 20;

interface Box {
  readonly node: TraceNode;
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The execution tree as a picture: messages from top to bottom, indented under what caused them. Needs nothing installed. */
export function traceSvg(trace: Trace): string {
  const boxes = laidOut(trace);
  const width = boxes.reduce((most, box) => Math.max(most, box.x + box.width), 200) + MARGIN;
  const height = (boxes.at(-1)?.y ?? MARGIN) + (boxes.at(-1)?.height ?? 0) + MARGIN;
  const byId = new Map(boxes.map((box) => [box.node.id, box]));
  const parts: string[] = [];
  for (const { node, parent } of walk(trace.roots)) {
    const box = byId.get(node.id) as Box;
    const above = parent && byId.get(parent.id);
    if (above) parts.push(edge(above, box));
    parts.push(drawn(box));
  }
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="12">`,
    `<title>${escaped(plainLabel(trace.conversation))}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...parts,
    "</svg>",
  ].join("\n")}\n`;
}

function laidOut(trace: Trace): Box[] {
  const boxes: Box[] = [];
  let y = MARGIN;
  for (const { node, isLast } of walk(trace.roots)) {
    const lines = [messageLabel(node), ...node.deliveries.map(deliveryLabel)];
    const width = Math.max(...lines.map((line) => line.length)) * CHARACTER + 2 * PADDING;
    const height = lines.length * LINE + PADDING;
    boxes.push({ node, lines, x: MARGIN + (isLast.length - 1) * INDENT, y, width, height });
    y += height + GAP;
  }
  return boxes;
}

function edge(from: Box, to: Box): string {
  const x = from.x + INDENT / 2;
  const y = to.y + LINE / 2 + PADDING / 2;
  return `<path d="M${x} ${from.y + from.height}V${y}H${to.x}" fill="none" stroke="#90a4ae"/>`;
}

function drawn({ node, lines, x, y, width, height }: Box): string {
  const colour = COLOURS[nodeState(node)];
  const text = lines.map((line, at) => {
    const weight = at === 0 ? ' font-weight="bold"' : "";
    return `<text x="${x + PADDING}" y="${y + LINE * (at + 1)}"${weight} fill="#263238">${escaped(line)}</text>`;
  });
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" fill="#fafafa" stroke="${colour}"/>${text.join("")}`;
}

function escaped(text: string): string {
  // Half a surrogate pair is no character of XML.
  const whole = (text as string & { toWellFormed(): string }).toWellFormed();
  return whole
    .replace(/[\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

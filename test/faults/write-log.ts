import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** One recorded call on one file, in the order of time. */
export type FileCall =
  | { readonly call: "write"; readonly path: string; readonly offset: number; readonly data: Buffer }
  /** At the end of the file. */
  | { readonly call: "append"; readonly path: string; readonly data: Buffer }
  | { readonly call: "sync"; readonly path: string }
  /** What was to be synced may be on the disk or not; no later sync writes it, since the system holds it for written. */
  | { readonly call: "failed sync"; readonly path: string }
  | { readonly call: "truncate"; readonly path: string; readonly size: number };

/** The tracer that records every call which changes or syncs one of the files, with all the data. `failing`: what it lets fail, in its own words. */
export function tracer(log: string, files: readonly string[], failing: readonly string[] = []): string[] {
  return [
    "strace",
    "-y",
    "-xx",
    "-s",
    "1000000",
    "-e",
    "trace=pwrite64,write,fdatasync,fsync,ftruncate",
    ...failing.flatMap((which) => ["-e", `inject=${which}`]),
    ...files.flatMap((file) => ["-P", file]),
    "-o",
    log,
  ];
}

const CALL = /^(\w+)\(\d+<([^>]*)>(?:, (.*))?\)\s+= (-?\d+)/;
const DATA = /^"([^"]*)", \d+(?:, (\d+))?$/;

/** Reads what a {@link tracer} recorded; calls other than syncs that failed changed nothing and are left out. */
export async function readWriteLog(log: string): Promise<FileCall[]> {
  const calls: FileCall[] = [];
  for await (const line of createInterface({ input: createReadStream(log, "latin1") })) {
    const match = CALL.exec(line);
    if (!match) continue;
    const [, name, shown = "", rest = "", result] = match;
    const path = shown.startsWith("\\x") ? bytes(shown).toString() : shown;
    const isFailed = Number(result) < 0;
    if (name === "fdatasync" || name === "fsync") calls.push({ call: isFailed ? "failed sync" : "sync", path });
    else if (isFailed) continue;
    else if (name === "ftruncate") calls.push({ call: "truncate", path, size: Number(rest) });
    else {
      const [, text = "", offset] = DATA.exec(rest) ?? [];
      const data = bytes(text).subarray(0, Number(result));
      if (data.length !== Number(result)) throw new Error(`A recorded write of ${result} bytes holds ${data.length}`);
      calls.push(
        offset === undefined ? { call: "append", path, data } : { call: "write", path, offset: Number(offset), data },
      );
    }
  }
  return calls;
}

function bytes(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll("\\x", ""), "hex");
}

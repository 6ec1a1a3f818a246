import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { defineAgent } from "../../agent/definition.ts";
import type { WorkerOptions } from "./licence-reader.ts";
import { AuditStarted, FOUND_CHANNEL, PackageFound, RedeliveryNoted, SizeMeasured } from "./messages.ts";

/** Bytes and number of the files of one package; packages nested in its `node_modules` count for themselves. */
async function measure(folder: string): Promise<{ bytes: number; files: number }> {
  let bytes = 0;
  let files = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) {
      bytes += (await stat(path)).size;
      files++;
    } else if (entry.isDirectory() && entry.name !== "node_modules") {
      const inner = await measure(path);
      bytes += inner.bytes;
      files += inner.files;
    }
  }
  return { bytes, files };
}

/** Measures how much room packages take. */
export function sizeMeter(options: WorkerOptions) {
  return defineAgent({
    name: "size-meter",
    role: "worker",
    department: "audit",
    capabilities: ["measure-sizes"],
    description: "Counts the bytes and files of a package",
    sends: [SizeMeasured, RedeliveryNoted],
    subscribes: [FOUND_CHANNEL],
    concurrency: 4,
    lease: options.lease,
    retry: { attempts: 3, backoff: "immediate" },
  })
    .on(AuditStarted, () => {})
    .on(PackageFound, async ({ payload: { path } }, ctx) => {
      if (ctx.redelivered) await ctx.send(RedeliveryNoted, { path, attempt: ctx.attempt }, { to: "reporter" });
      await options.checkpoint(path);
      const size = await measure(path);
      await ctx.publish(SizeMeasured, { path, ...size }, { idempotencyKey: `size ${path}` });
    });
}

import { defineAgent } from "../../agent/definition.ts";
import { findPackages } from "./find-packages.ts";
import { AuditStarted, FOUND_CHANNEL, PackageFound, Scan } from "./messages.ts";

/** Walks folders and announces each package on the channel. */
export function scanner() {
  return defineAgent({
    name: "scanner",
    role: "scanner",
    department: "audit",
    capabilities: ["scan-folders"],
    description: "Finds packages and announces them",
    sends: [PackageFound],
  })
    .on(AuditStarted, () => {})
    .on(Scan, async ({ payload }, ctx) => {
      const paths: string[] = [];
      for (const folder of payload.folders) {
        for await (const path of findPackages(folder)) paths.push(path);
      }
      const sent = await ctx.sendMany(paths.map((path) => PackageFound.message({ path }, { channel: FOUND_CHANNEL })));
      const failed = sent.find((result) => result.status === "rejected");
      if (failed) throw failed.reason;
      return { packages: paths.length };
    });
}

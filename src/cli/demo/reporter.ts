import { defineAgent } from "../../agent/definition.ts";
import type { OutputOf } from "../../message/index.ts";
import { AuditStarted, LicenceRead, OddityNoted, RedeliveryNoted, SizeMeasured } from "./messages.ts";

/** What the reporter has heard so far, by the path of the package. */
export interface Findings {
  readonly licences: Map<string, OutputOf<typeof LicenceRead>>;
  readonly sizes: Map<string, OutputOf<typeof SizeMeasured>>;
  /** By worker and path: packages that came a second time. */
  readonly redelivered: Set<string>;
}

/** Collects what readers and meters tell, and notes packages that are there in several versions. */
export function reporter(findings: Findings, onNews: () => void) {
  const versions = new Map<string, Set<string>>();
  return defineAgent({
    name: "reporter",
    role: "reporter",
    department: "audit",
    capabilities: ["report"],
    description: "Collects the findings",
    sends: [OddityNoted],
    subscribes: ["audit.results.*"],
    concurrency: 8,
  })
    .on(AuditStarted, () => {})
    .on(RedeliveryNoted, ({ from, payload }) => {
      findings.redelivered.add(`${from} ${payload.path}`);
    })
    .on(SizeMeasured, ({ payload }) => {
      findings.sizes.set(payload.path, payload);
      onNews();
    })
    .on(LicenceRead, async ({ payload }, ctx) => {
      const { path, name, version } = payload;
      findings.licences.set(path, payload);
      onNews();
      if (name === "") return;
      const known = versions.get(name) ?? new Set();
      versions.set(name, known);
      if (known.has(version)) return;
      known.add(version);
      if (known.size > 1) {
        const detail = `${version}, beside ${[...known].filter((other) => other !== version).join(" and ")}`;
        await ctx.send(
          OddityNoted,
          { kind: "several versions", subject: name, detail },
          { to: "archivist", ifUnknown: "hold" },
        );
      }
    });
}

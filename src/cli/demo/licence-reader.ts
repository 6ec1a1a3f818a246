import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineAgent } from "../../agent/definition.ts";
import { AgentwireError } from "../../errors.ts";
import {
  AuditStarted,
  ClassifyLicence,
  FOUND_CHANNEL,
  LicenceRead,
  OddityNoted,
  PackageFound,
  RedeliveryNoted,
} from "./messages.ts";
import { type PackageFacts, readFacts } from "./package-facts.ts";

/** How the workers of the demo are run. */
export interface WorkerOptions {
  /** Awaited before each package; the demo stops a worker here before it kills it. */
  readonly checkpoint: (path: string) => Promise<void>;
  /** How long a package belongs to a process that has gone silent. */
  readonly lease: "2s";
}

/** Reads package.json files, asks the advisor what a licence means, and tells what it found. */
export function licenceReader(options: WorkerOptions) {
  const families = new Map<string, string>();
  return defineAgent({
    name: "licence-reader",
    role: "worker",
    department: "audit",
    capabilities: ["read-licences"],
    description: "Reads name, version and licence of a package",
    sends: [LicenceRead, ClassifyLicence, OddityNoted, RedeliveryNoted],
    subscribes: [FOUND_CHANNEL],
    concurrency: 4,
    lease: options.lease,
    retry: { attempts: 3, backoff: "immediate" },
  })
    .on(AuditStarted, () => families.clear())
    .on(PackageFound, async ({ payload: { path } }, ctx) => {
      if (ctx.redelivered) await ctx.send(RedeliveryNoted, { path, attempt: ctx.attempt }, { to: "reporter" });
      await options.checkpoint(path);
      const note = (kind: string, subject: string, detail: string) =>
        ctx.send(
          OddityNoted,
          { kind, subject, detail },
          { to: "archivist", ifUnknown: "hold", idempotencyKey: `${kind} ${path}` },
        );
      let facts: PackageFacts;
      try {
        facts = readFacts(await readFile(join(path, "package.json"), "utf8"));
      } catch (error) {
        if (!AgentwireError.is(error, "ARGUMENT_INVALID")) throw error;
        await note("broken", path, error.message);
        return ctx.reject(`${path}: ${error.message}`);
      }
      if (facts.licence === "")
        await note("no licence", facts.name || path, `${facts.version || "without version"} names no licence`);
      let family = families.get(facts.licence);
      if (family === undefined) {
        ({ family } = await ctx.request(
          ClassifyLicence,
          { licence: facts.licence },
          { to: { capability: "explain-licences" }, timeout: "20s" },
        ));
        families.set(facts.licence, family);
      }
      await ctx.publish(LicenceRead, { path, ...facts, family }, { idempotencyKey: `licence ${path}` });
    });
}

import type { StatusReport } from "../../agent/built-in.ts";
import { packageVersion } from "../../package-version.ts";
import type { Finding } from "./finding.ts";

/** Whether all processes run one release of this package. */
export function checkVersions(reports: readonly StatusReport[], here = packageVersion()): Finding[] {
  const agents = new Map<string, string[]>();
  for (const { agent, library } of reports) agents.set(library, [...(agents.get(library) ?? []), agent]);
  return [...agents]
    .filter(([version]) => version !== here)
    .map(([version, names]) => ({
      level: "note",
      check: "version",
      subject: names.join(", "),
      what: `runs agentwire ${version}, and this command is of ${here}`,
      advice: "Neighbouring minor releases work together; bring all to one when the change is over.",
    }));
}
